//! The map as SVG.

use std::fmt::Write as _;

use super::{COLOURS, NONE, Scale, colours};
use crate::cli::show::thousands;
use crate::engine::ThemeMap;
use crate::paper::shown;

/// The map as SVG: a dot a paper, coloured by its coarsest theme, and the names.
pub fn picture(map: &ThemeMap) -> String {
    let scale = Scale::of(map);
    let Scale { unit, width, height, .. } = scale;
    let (x, y) = (|value: f32| scale.x(value), |value: f32| scale.y(value));
    let colours = colours(map);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\">\n<title>Map of {} papers</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        thousands(map.points.id.len())
    );
    let (dot, opacity) = super::dots(map.points.id.len());
    let none = COLOURS.len();
    for colour in (0..=none).rev() {
        let own = map.points.theme.iter().enumerate().filter(|(_, t)| match usize::try_from(**t) {
            Ok(t) => colours.get(t) == Some(&colour),
            Err(_) => colour == none,
        });
        let mut path = String::new();
        for (k, _) in own {
            // Writing into a String cannot fail.
            let _ = write!(path, "M{:.1} {:.1}h0", x(map.points.x[k]), y(map.points.y[k]));
        }
        if !path.is_empty() {
            let stroke = COLOURS.get(colour).unwrap_or(&NONE);
            let _ = writeln!(
                out,
                "<path d=\"{path}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{dot:.1}\" stroke-linecap=\"round\" stroke-opacity=\"{opacity:.2}\"/>"
            );
        }
    }
    out.push_str("<g text-anchor=\"middle\" dominant-baseline=\"central\" stroke=\"#fff\" stroke-linejoin=\"round\" paint-order=\"stroke\">\n");
    for label in map.labels.iter().rev() {
        let (weight, halo) = if label.level == 0 { ("bold", 4.0) } else { ("normal", 2.5) };
        let fill = if label.level == 0 { "#111" } else { "#444" };
        let at = scale.inside(x(label.x), label.width * unit / 2.0);
        let _ = writeln!(
            out,
            "<text x=\"{at:.1}\" y=\"{:.1}\" font-size=\"{}\" font-weight=\"{weight}\" stroke-width=\"{halo}\" fill=\"{fill}\">{}</text>",
            y(label.y),
            label.letters,
            escaped(&label.text)
        );
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    quick_xml::escape::escape(shown(text)).into_owned()
}
