//! The codes that bring friends.

/// Letters and digits that are not taken for each other.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Sixty bits: nobody finds one by trying.
const LENGTH: usize = 12;

/// The code that a secret stands for.
pub fn of(secret: &[u8]) -> String {
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(byte % 32)]);
    secret.iter().take(LENGTH).map(letter).collect()
}
