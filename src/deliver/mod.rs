//! What leaves for readers in forms of their own: one room a form.

pub mod citations;
