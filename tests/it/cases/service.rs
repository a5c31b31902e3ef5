//! Cases of service.
