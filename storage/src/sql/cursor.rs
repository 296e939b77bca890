//! Cursors of lists: the sort key of the last item, written so that nobody builds on its shape.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use salon_protocol::ErrorData;

/// A cursor of `N` integers.
pub(crate) struct Cursor<const N: usize>;

impl<const N: usize> Cursor<N> {
    /// Reads what [`Cursor::write`] wrote. Refused with `bad_request`.
    pub(crate) fn parse(text: Option<&str>) -> Result<Option<[i64; N]>, ErrorData> {
        let Some(text) = text else { return Ok(None) };
        let wrong = || ErrorData::field("cursor", "is not a cursor of this list");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        if bytes.len() != N * 8 {
            return Err(wrong());
        }
        let mut values = [0; N];
        for (value, bytes) in values.iter_mut().zip(bytes.chunks_exact(8)) {
            *value = i64::from_be_bytes(bytes.try_into().map_err(|_| wrong())?);
        }
        Ok(Some(values))
    }

    pub(crate) fn write(values: [i64; N]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_others_are_refused() {
        let text = Cursor::write([-1, i64::MAX, 0]);
        assert_eq!(Cursor::<3>::parse(Some(&text)).unwrap(), Some([-1, i64::MAX, 0]));
        assert_eq!(Cursor::<3>::parse(None).unwrap(), None);
        for wrong in ["", "x", "AAAA", &text[1..]] {
            assert!(Cursor::<3>::parse(Some(wrong)).is_err(), "{wrong}");
        }
        assert!(Cursor::<2>::parse(Some(&text)).is_err());
    }
}
