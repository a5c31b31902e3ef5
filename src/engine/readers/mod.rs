//! Readers: what they did, what they are interested in, and the papers that are ranked for them.

pub(in crate::engine) mod agreement;
pub(in crate::engine) mod calibration;
pub(in crate::engine) mod coreading;
pub(in crate::engine) mod feed;
pub(in crate::engine) mod format;
pub(in crate::engine) mod history;
pub(in crate::engine) mod imports;
pub(in crate::engine) mod interests;
pub(in crate::engine) mod questions;
pub(in crate::engine) mod reader;
pub(in crate::engine) mod readership;
pub(in crate::engine) mod trending;
pub(in crate::engine) mod users;
