//! Passwords, keys and account numbers, from the system's generator.

use aws_lc_rs::rand;

const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A password of `length` characters, five bits each, that needs no quoting anywhere.
pub fn password(length: usize) -> anyhow::Result<String> {
    let mut bytes = vec![0; length];
    fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// A key of `N` bytes.
pub fn key<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// Twelve digits, as an AWS account has them.
pub fn account() -> anyhow::Result<String> {
    Ok(format!("{:012}", u64::from_be_bytes(key()?) % 1_000_000_000_000))
}

fn fill(bytes: &mut [u8]) -> anyhow::Result<()> {
    rand::fill(bytes).map_err(|_| anyhow::anyhow!("the system's random number generator gave nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_twelve_digits() {
        let account = account().unwrap();

        assert_eq!(account.len(), 12);
        assert!(account.bytes().all(|byte| byte.is_ascii_digit()));
    }

    #[test]
    fn two_passwords_differ() {
        assert_ne!(password(24).unwrap(), password(24).unwrap());
    }
}
