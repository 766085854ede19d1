//! An X.509 certificate, as far as the data model shows it.

use aws_lc_rs::digest;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Longest Issuer that the Parameter holds.
const LONGEST_ISSUER: usize = 256;
/// Longest SerialNumber that the Parameter holds.
const LONGEST_SERIAL_NUMBER: usize = 64;

/// A certificate and what the data model says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// One PEM section (RFC 7468), in the form in which it is kept.
    pub pem: String,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// `SerialNumber`.
    pub serial_number: String,
    /// `Issuer`.
    pub issuer: String,
    /// The subject as a distinguished name.
    pub subject: String,
}

impl Certificate {
    /// Reads the first certificate of a PEM text; what is wrong with it in one line otherwise.
    pub fn parse(text: &str) -> Result<Self, String> {
        let all = Self::parse_all(text)?;
        all.into_iter().next().ok_or_else(|| "there is no certificate".to_owned())
    }

    /// Reads every certificate of a PEM text.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let sections = pem::parse_many(text).map_err(|error| format!("not PEM: {error}"))?;
        let certificates = sections.into_iter().filter(|section| section.tag() == "CERTIFICATE");
        certificates.map(|section| Self::read(section.contents())).collect()
    }

    fn read(der: &[u8]) -> Result<Self, String> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| format!("no certificate: {error}"))?;
        let cut = |text: String, longest: usize| text.chars().take(longest).collect::<String>();
        Ok(Self {
            pem: pem::encode(&pem::Pem::new("CERTIFICATE", der)),
            der: der.to_vec(),
            serial_number: cut(certificate.tbs_certificate.raw_serial_as_string(), LONGEST_SERIAL_NUMBER),
            issuer: cut(certificate.issuer().to_string(), LONGEST_ISSUER),
            subject: certificate.subject().to_string(),
        })
    }

    /// Its fingerprint by an algorithm of TR-181's `GetFingerprint()`, as hexadecimal digits.
    pub fn fingerprint(&self, algorithm: &str) -> Option<String> {
        let algorithm = match algorithm {
            "SHA-1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "SHA-224" => &digest::SHA224,
            "SHA-256" => &digest::SHA256,
            "SHA-384" => &digest::SHA384,
            "SHA-512" => &digest::SHA512,
            _ => return None,
        };
        Some(hex::encode(digest::digest(algorithm, &self.der)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use uspec_mtp::tls::Pki;

    #[test]
    fn an_authority_says_who_it_is() {
        let pki = Pki::generate().unwrap();
        let certificate = Certificate::parse(&pki.authority().certificate_pem()).unwrap();
        assert_eq!(certificate.issuer, certificate.subject);
        assert!(certificate.issuer.starts_with("CN="));
        assert!(!certificate.serial_number.is_empty());
        assert_eq!(Certificate::parse(&certificate.pem), Ok(certificate));
    }

    #[rstest]
    #[case("SHA-1", 40)]
    #[case("SHA-224", 56)]
    #[case("SHA-256", 64)]
    #[case("SHA-384", 96)]
    #[case("SHA-512", 128)]
    fn fingerprints(#[case] algorithm: &str, #[case] digits: usize) {
        let pki = Pki::generate().unwrap();
        let certificate = Certificate::parse(&pki.authority().certificate_pem()).unwrap();
        assert_eq!(certificate.fingerprint(algorithm).unwrap().len(), digits);
        assert_eq!(certificate.fingerprint("MD5"), None);
    }

    #[rstest]
    #[case("")]
    #[case("no PEM")]
    #[case("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    #[case("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    fn what_is_no_certificate(#[case] text: &str) {
        assert!(Certificate::parse(text).is_err());
    }
}
