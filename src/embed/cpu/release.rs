//! Gives memory back that loading a model took and serving does not need.

/// Pages that the allocator keeps for later go back to the system, and so do those of `compiled_in`, the weights inside the
/// binary: they have been packed, and are read from its file again should anybody ask.
pub fn release(compiled_in: Option<&'static [u8]>) {
    // Sound: it takes no pointer, and frees only what nobody has.
    unsafe { libmimalloc_sys::mi_collect(true) };
    #[cfg(target_os = "linux")]
    if let Some(bytes) = compiled_in {
        // A page is 4 to 64 kB; the bytes beside the whole pages of that size stay.
        const PAGE: usize = 1 << 16;
        let range = bytes.as_ptr_range();
        let (start, end) = ((range.start as usize).next_multiple_of(PAGE), range.end as usize / PAGE * PAGE);
        if start < end {
            // Sound: the pages lie inside `bytes`, which is constant data of the binary: they are mapped from its file, are
            // never written, and hold the same bytes when they are read from there again. An error changes nothing.
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
