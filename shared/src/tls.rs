//! TLS connections out of a function: to PostgreSQL, to AWS, to Zoho and to endpoints. All of them trust the roots of
//! Mozilla's programme, which stand in the binary as constants: a machine's store would be read and parsed at each cold
//! start, some 900 system calls for one connection. A root that is withdrawn leaves with the next `cargo update`.

use std::sync::LazyLock;

use rustls::{ClientConfig, RootCertStore};

/// What every TLS connection is made with. Made when first asked for; a copy shares its roots, and the sessions that can
/// be resumed.
pub fn config() -> ClientConfig {
    static CONFIG: LazyLock<ClientConfig> = LazyLock::new(|| {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
    });
    CONFIG.clone()
}

/// A client for HTTP and HTTPS on these terms; its caller adds how long calls may take. reqwest's own TLS would read the
/// machine's store.
pub fn http_client() -> reqwest::ClientBuilder {
    let mut config = config();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    reqwest::Client::builder().tls_backend_preconfigured(config)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_roots_of_aws_and_of_zoho_are_among_the_trusted() {
        let trusted = |name: &str| {
            let name = name.as_bytes();
            webpki_roots::TLS_SERVER_ROOTS.iter().any(|root| root.subject.windows(name.len()).any(|part| part == name))
        };

        // https://www.amazontrust.com/repository/ and, of Zoho's data centres, their issuers.
        for root in [
            "Amazon Root CA 1",
            "Amazon Root CA 2",
            "Amazon Root CA 3",
            "Amazon Root CA 4",
            "Starfield Services Root Certificate Authority - G2",
            "USERTrust RSA Certification Authority",
            "DigiCert Global Root G2",
        ] {
            assert!(trusted(root), "{root}");
        }
    }
}
