//! Returns memory to the system that was needed to load a model and is not needed to serve.

/// Returns the pages that the allocator holds in reserve, and those of `compiled_in`, the weights inside the binary:
/// these have been packed, and the system reads them from the binary's file again if they are needed.
pub fn release(compiled_in: Option<&'static [u8]>) {
    // SAFETY: it takes no pointer, and frees only unused memory.
    unsafe { libmimalloc_sys::mi_collect(true) };
    #[cfg(target_os = "linux")]
    if let Some(bytes) = compiled_in {
        // Pages are 4 to 64 kB. Only whole pages of 64 kB are released.
        const PAGE: usize = 1 << 16;
        let range = bytes.as_ptr_range();
        let (start, end) = ((range.start as usize).next_multiple_of(PAGE), range.end as usize / PAGE * PAGE);
        if start < end {
            // SAFETY: the pages lie inside `bytes`, which is constant data of the binary: they are mapped from its
            // file, are never written, and hold the same bytes when they are read from there again. An error changes
            // nothing.
            unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = compiled_in;
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(feature = "bundled-model")]
    fn what_was_given_back_reads_the_same() {
        let bytes: &'static [u8] = include_bytes!("../../../models/all-MiniLM-L6-v2/model.safetensors");
        let before = blake3::hash(bytes);
        super::release(Some(bytes));
        assert_eq!(blake3::hash(bytes), before);
    }
}
