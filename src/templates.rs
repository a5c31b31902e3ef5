//! Templates of HTML that are compiled in.
//!
//! Every value in them is escaped by where it stands; only a template that was filled becomes a part of another as it is.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use minijinja::{Environment, Error, Value, context};

/// Templates by their names, each of which ends in `.html`. One of them, `frame.html`, stands around each other; those whose names
/// begin with `_` hold macros for the others.
pub struct Templates {
    texts: &'static [Text],
    prepare: fn(&mut Environment<'static>),
    read: OnceLock<Arc<Environment<'static>>>,
}

/// A file that is compiled in: its name, its path below the folder of the sources, its text. Made by the macro `text!`.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// What it is called.
    pub name: &'static str,
    /// Where it lies, from the root of the crate.
    // Read with `live-pages` alone.
    #[cfg_attr(not(feature = "live-pages"), allow(dead_code))]
    pub path: &'static str,
    /// What it holds.
    pub text: &'static str,
}

/// A [`Text`]: its name, the folder of its source file below the crate, and where it lies beside that.
macro_rules! text {
    ($name:expr, $folder:literal, $path:literal) => {
        $crate::templates::Text { name: $name, path: concat!($folder, "/", $path), text: include_str!($path) }
    };
}

pub(crate) use text;

impl Text {
    /// What it holds. Built with `live-pages`, as it stands in the source folder at this moment.
    pub fn now(&self) -> Cow<'static, str> {
        #[cfg(feature = "live-pages")]
        if let Ok(text) = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(self.path)) {
            return Cow::Owned(text);
        }
        Cow::Borrowed(self.text)
    }

    /// The same. What was read from the source folder is never given back: whoever works on the pages has the memory.
    fn now_for_ever(&self) -> &'static str {
        match self.now() {
            Cow::Borrowed(text) => text,
            Cow::Owned(text) => Box::leak(text.into_boxed_str()),
        }
    }
}

impl Templates {
    /// Templates with these texts. They are read when the first is filled.
    pub const fn new(texts: &'static [Text]) -> Self {
        Templates { texts, prepare: |_| (), read: OnceLock::new() }
    }

    /// The same, with filters and values of their own.
    pub const fn prepared(texts: &'static [Text], prepare: fn(&mut Environment<'static>)) -> Self {
        Templates { texts, prepare, read: OnceLock::new() }
    }

    /// The names, without the frame's and those of macros.
    #[cfg(test)]
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.texts.iter().map(|text| text.name).filter(|name| *name != "frame.html" && !name.starts_with('_'))
    }

    /// A template filled with `shows`, in the frame filled with `frame` and with that as its `body`. What the frame is filled
    /// with can be asked for in the template as well.
    ///
    /// # Errors
    /// When there is no such template, or one is not written right.
    pub fn framed(&self, template: &str, shows: &Value, frame: Value) -> Result<String, Error> {
        let templates = self.read()?;
        let shows = context! { ..shows.clone(), ..frame.clone() };
        let body = Value::from_safe_string(templates.get_template(template)?.render(shows)?);
        templates.get_template("frame.html")?.render(context! { body, ..frame })
    }

    fn read(&self) -> Result<Arc<Environment<'static>>, Error> {
        if let Some(read) = self.read.get().filter(|_| cfg!(not(feature = "live-pages"))) {
            return Ok(Arc::clone(read));
        }
        let mut read = Environment::new();
        for text in self.texts {
            read.add_template(text.name, text.now_for_ever())?;
        }
        (self.prepare)(&mut read);
        let read = Arc::new(read);
        Ok(Arc::clone(if cfg!(feature = "live-pages") { &read } else { self.read.get_or_init(|| Arc::clone(&read)) }))
    }
}
