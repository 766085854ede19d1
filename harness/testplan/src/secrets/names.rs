//! What the name of a field or parameter says: whether its value is a secret.
//!
//! One decision behind it: names are TR-181's own for what reads as empty, and those by which the MTPs carry credentials. GetSupportedDM does
//! not tell which parameters read as empty, so that nothing else can say it.

/// The last word of a name that stands for a secret, in small letters and without `-` and `_`.
pub(super) const WORDS: &[&str] = &[
    "password",
    "passwordhex",
    "passwd",
    "passphrase",
    "passcode",
    "presharedkey",
    "psk",
    "secret",
    "token",
    "privatekey",
    "wepkey",
    "authorization",
    "cookie",
    "authenticationdata",
    "authenticationdatahex",
];

/// Short ones, which end other words in small letters.
const ABBREVIATIONS: &[&str] = &["PIN", "PUK"];

/// The fields in which an MTP carries a credential: whatever stands there is one.
const CREDENTIALS: &[&str] = &[
    "password",
    "passwordhex",
    "passcode",
    "authorization",
    "proxyauthorization",
    "cookie",
    "setcookie",
    "authenticationdata",
    "authenticationdatahex",
];

/// What stands in the text form of a private key.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// Where `Value` is one: what an end user answers to a challenge of ControllerTrust (TR-181).
pub(super) const CHALLENGES: &[&str] = &[".ControllerTrust.Challenge.", "ChallengeResponse("];

/// Fields whose octets stand as hex in them end in this.
const HEX: &str = "_hex";

/// Whether a value is a secret, by its name and by the Object, command or packet that it is about.
pub(super) fn is_secret(place: &str, name: &str, value: &str) -> bool {
    if value.is_empty() {
        return false;
    }
    // A switch or a reference is none, whatever a parameter is called; a credential is one, whatever it looks like.
    let telling = is_credential(name) || !(is_switch(value) || is_reference(value));
    telling && (is_secret_name(name) || is_challenge(place, name) || value.contains(PRIVATE_KEY))
}

/// Whether the last word of a name says so.
pub(super) fn is_secret_name(name: &str) -> bool {
    let last = last_word(name);
    let plain = plain(last);
    WORDS.iter().any(|word| plain.ends_with(word)) || ABBREVIATIONS.iter().any(|word| last.ends_with(word))
}

/// Whether an MTP carries a credential under this name.
pub(super) fn is_credential(name: &str) -> bool {
    CREDENTIALS.contains(&plain(last_word(name)).as_str())
}

/// The octets of a value, which may stand as hex in a field that says so.
pub(super) fn octets(name: &str, value: &str) -> Vec<u8> {
    let hex = name.ends_with(HEX).then(|| hex::decode(value).ok()).flatten();
    hex.unwrap_or_else(|| value.as_bytes().to_vec())
}

fn last_word(name: &str) -> &str {
    name.rsplit(['.', ' ']).next().unwrap_or(name)
}

fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_lowercase()
}

fn is_switch(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}

/// Whether it is one or several paths of Objects or parameters, with an instance number or a final dot in each: `Device.s3cret` is none.
fn is_reference(value: &str) -> bool {
    value.split(',').all(|path| {
        let path = path.trim();
        let Some(rest) = path.strip_prefix("Device.") else { return false };
        let is_number = |part: &str| part.bytes().all(|octet| octet.is_ascii_digit());
        let is_name = |part: &str| {
            let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-');
            part.starts_with(|first: char| first.is_ascii_uppercase()) && part.bytes().all(fits)
        };
        let mut parts: Vec<_> = rest.strip_suffix('.').unwrap_or(rest).split('.').filter(|it| !it.is_empty()).collect();
        let telling = rest.is_empty() || rest.ends_with('.') || parts.iter().any(|part| is_number(part));
        parts.retain(|part| !is_number(part));
        telling && parts.iter().all(|part| is_name(part))
    })
}

fn is_challenge(place: &str, name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    last == "Value" && CHALLENGES.iter().any(|challenge| place.contains(challenge) || name.contains(challenge))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "password", "hunter22", true)]
    #[case("", "Device.WiFi.AccessPoint.1.Security.PreSharedKey", "00ff", true)]
    #[case("", "Device.LocalAgent.MTP.1.STOMP.X_Token", "abc", true)]
    #[case("", "Proxy-Authorization", "Basic abc", true)]
    #[case("", "authentication_data_hex", "00ff", true)]
    #[case("", "X_ACME_PIN", "0000", true)]
    #[case("Device.LocalAgent.ControllerTrust.Challenge.1.", "Value", "1234", true)]
    #[case("Device.LocalAgent.ControllerTrust.ChallengeResponse()", "Value", "1234", true)]
    #[case("", "Certificate", "-----BEGIN EC PRIVATE KEY-----\nMHc", true)]
    #[case("Device.DeviceInfo.", "Value", "1234", false)]
    #[case("", "Password", "", false)]
    #[case("", "EnablePassword", "true", false)]
    #[case("", "Username", "somebody", false)]
    #[case("", "Shopping", "list", false)]
    // A credential is one whatever it looks like.
    #[case("CONNECT", "password", "true", true)]
    #[case("CONNECT", "password", "Device.LocalAgent.Certificate.1", true)]
    #[case("", "X_Secret", "Device.s3cret", true)]
    #[case("", "X_Secret", "Device.s3cret.1", true)]
    #[case("", "X_Secret", "Device.Secret", true)]
    #[case("", "X_Secret", "Device.LocalAgent.Certificate.1", false)]
    #[case("", "X_Secret", "Device.LocalAgent.Certificate.", false)]
    #[case("", "X_Secret", "Device.WiFi.SSID.1,Device.WiFi.SSID.2", false)]
    #[case("", "X_Secret", "Device.WiFi.SSID.1,hunter2", true)]
    fn names_say_what_is_secret(#[case] place: &str, #[case] name: &str, #[case] value: &str, #[case] expected: bool) {
        assert_eq!(is_secret(place, name, value), expected);
    }

    #[test]
    fn hex_is_read_where_a_name_says_so() {
        assert_eq!(octets("authentication_data_hex", "00ff"), [0, 0xff]);
        assert_eq!(octets("authentication_data_hex", "0"), b"0");
        assert_eq!(octets("password", "00ff"), b"00ff");
    }
}
