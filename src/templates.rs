//! Templates of HTML that are compiled in.
//!
//! Every value in them is escaped by where it stands; only a template that was filled becomes a part of another as it is.

use std::sync::OnceLock;

use minijinja::{Environment, Error, Value, context};

/// Templates by their names, each of which ends in `.html`. One of them, `frame.html`, stands around each other.
pub struct Templates {
    texts: &'static [(&'static str, &'static str)],
    read: OnceLock<Environment<'static>>,
}

impl Templates {
    /// Templates with these names and texts. They are read when the first is filled.
    pub const fn new(texts: &'static [(&'static str, &'static str)]) -> Self {
        Templates { texts, read: OnceLock::new() }
    }

    /// The names, without the frame's.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.texts.iter().map(|(name, _)| *name).filter(|name| *name != "frame.html")
    }

    /// A template filled with `shows`, in the frame filled with `frame` and with that as its `body`.
    ///
    /// # Errors
    /// When there is no such template, or one is not written right.
    pub fn framed(&self, template: &str, shows: &Value, frame: Value) -> Result<String, Error> {
        let templates = self.read()?;
        let body = Value::from_safe_string(templates.get_template(template)?.render(shows)?);
        templates.get_template("frame.html")?.render(context! { body, ..frame })
    }

    fn read(&self) -> Result<&Environment<'static>, Error> {
        if let Some(read) = self.read.get() {
            return Ok(read);
        }
        let mut read = Environment::new();
        for (name, text) in self.texts {
            read.add_template(name, text)?;
        }
        Ok(self.read.get_or_init(|| read))
    }
}
