//! Telling the system how the service stands, where it asks (`Type=notify` of systemd): `$NOTIFY_SOCKET` names a socket that
//! takes a line for each thing that is true from now on.

/// Everything works.
pub const READY: &str = "READY=1";

/// Something is read again; `READY` comes behind.
pub const RELOADING: &str = "RELOADING=1";

/// It ends.
pub const STOPPING: &str = "STOPPING=1";

/// Whether something manages the service and asks.
pub fn asks() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some_and(|address| !address.is_empty())
}

/// Tells it. Without the variable nobody asks; what cannot be told harms nobody, and is in the log.
pub fn tell(what: &str) {
    #[cfg(unix)]
    if let Some(address) = std::env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty())
        && let Err(e) = send(&address, what)
    {
        tracing::warn!("$NOTIFY_SOCKET takes nothing: {e}");
    }
    #[cfg(not(unix))]
    let _ = what;
}

#[cfg(unix)]
fn send(address: &std::ffi::OsStr, what: &str) -> std::io::Result<()> {
    use std::os::unix::net::UnixDatagram;
    let socket = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::unix::ffi::OsStrExt::as_bytes(address).strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return socket.send_to_addr(what.as_bytes(), &address).map(drop);
    }
    socket.send_to(what.as_bytes(), address).map(drop)
}
