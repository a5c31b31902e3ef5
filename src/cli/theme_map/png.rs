//! The map as PNG: twice as many pixels as the SVG has, with the names in Noto Sans, which is compiled in, as no machine has the
//! fonts of another.

use tiny_skia::{Color, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};
use ttf_parser::{Face, OutlineBuilder};

use super::{COLOURS, NONE, Scale, colours};
use crate::engine::ThemeMap;

/// Pixels for one of the SVG.
const FINE: f32 = 2.0;

/// The picture as a file, and how many names are left out since the font lacks letters of them.
pub fn picture(map: &ThemeMap) -> anyhow::Result<(Vec<u8>, usize)> {
    let scale = Scale::of(map);
    let side = |pixels: f32| (pixels * FINE).ceil() as u32;
    let mut picture = Pixmap::new(side(scale.width), side(scale.height))
        .ok_or_else(|| anyhow::anyhow!("the map is too large for a picture"))?;
    picture.fill(Color::WHITE);
    let fine = Transform::from_scale(FINE, FINE);
    let (dot, opacity) = super::dots(map.points.id.len());
    let colours = colours(map);
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    for (k, theme) in map.points.theme.iter().enumerate() {
        let colour = usize::try_from(*theme).ok().and_then(|theme| COLOURS.get(*colours.get(theme)?));
        paint.set_color(colour_of(colour.unwrap_or(&NONE), opacity));
        let (x, y) = (scale.x(map.points.x[k]), scale.y(map.points.y[k]));
        // Smaller ones are seen as squares anyway, which cost a tenth.
        if dot < 2.0 {
            let square = Rect::from_xywh(x - dot / 2.0, y - dot / 2.0, dot, dot);
            square.iter().for_each(|square| picture.fill_rect(*square, &paint, fine, None));
        } else if let Some(circle) = PathBuilder::from_circle(x, y, dot / 2.0) {
            picture.fill_path(&circle, &paint, FillRule::Winding, fine, None);
        }
    }
    let (regular, bold) = (Face::parse(ttf_noto_sans::REGULAR, 0)?, Face::parse(ttf_noto_sans::BOLD, 0)?);
    let mut left_out = 0;
    for label in map.labels.iter().rev() {
        let (face, halo, ink) = match label.level {
            0 => (&bold, 4.0, "#111111"),
            _ => (&regular, 2.5, "#444444"),
        };
        let at = scale.inside(scale.x(label.x), label.width * scale.unit / 2.0);
        let Some(text) = written(face, &label.text, label.letters, at, scale.y(label.y)) else {
            left_out += 1;
            continue;
        };
        let rim = Stroke { width: halo, line_join: LineJoin::Round, ..Stroke::default() };
        paint.set_color(Color::WHITE);
        picture.stroke_path(&text, &paint, &rim, fine, None);
        paint.set_color(colour_of(ink, 1.0));
        picture.fill_path(&text, &paint, FillRule::Winding, fine, None);
    }
    Ok((picture.encode_png()?, left_out))
}

/// A colour as HTML writes it.
fn colour_of(hex: &str, opacity: f32) -> Color {
    let part = |k: usize| u8::from_str_radix(hex.get(k..k + 2).unwrap_or_default(), 16).unwrap_or_default();
    let mut colour = Color::from_rgba8(part(1), part(3), part(5), 255);
    colour.set_alpha(opacity);
    colour
}

/// The outlines of a text around a place; none where the font lacks one of its letters, or nothing is to be seen.
fn written(face: &Face<'_>, text: &str, letters: f32, x: f32, y: f32) -> Option<Path> {
    let glyphs: Vec<_> = text.chars().map(|letter| face.glyph_index(letter)).collect::<Option<_>>()?;
    let unit = letters / f32::from(face.units_per_em());
    let advance = |glyph| f32::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * unit;
    let width: f32 = glyphs.iter().map(|glyph| advance(*glyph)).sum();
    // Lower case letters are about half as high as the size of the letters: so their middle is at the place.
    let mut pen = Pen { path: PathBuilder::new(), unit, x: x - width / 2.0, y: y + letters * 0.35 };
    for glyph in glyphs {
        face.outline_glyph(glyph, &mut pen);
        pen.x += advance(glyph);
    }
    pen.path.finish()
}

/// Draws outlines of a font, whose y goes up, at a place of a picture, whose y goes down.
struct Pen {
    path: PathBuilder,
    unit: f32,
    x: f32,
    y: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.unit, self.y - y * self.unit)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_drawn_where_the_font_has_their_letters() {
        let face = Face::parse(ttf_noto_sans::REGULAR, 0).expect("a font");
        for text in ["Bees, honey", "Überblick…", "Пчёлы и мёд", "Μέλισσες"] {
            let path = written(&face, text, 17.0, 100.0, 50.0).unwrap_or_else(|| panic!("{text} is not drawn"));
            let bounds = path.bounds();
            assert!((bounds.left() + bounds.right() - 200.0).abs() < 8.0, "{text} is not around its place: {bounds:?}");
            assert!(bounds.top() > 30.0 && bounds.bottom() < 65.0, "{text}: {bounds:?}");
        }
        assert!(written(&face, "蜜蜂", 17.0, 0.0, 0.0).is_none());
    }
}
