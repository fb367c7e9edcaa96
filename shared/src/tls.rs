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
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_https_address_is_greeted_with_tls_by_its_name_and_for_http_1_1() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let greeting = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut greeting = vec![0; 64];
            stream.read_exact(&mut greeting).await.unwrap();
            let rest = 5 + usize::from(u16::from_be_bytes([greeting[3], greeting[4]])) - greeting.len();
            let mut hello = vec![0; rest];
            stream.read_exact(&mut hello).await.unwrap();
            [greeting, hello].concat()
        });

        let refused = http_client().no_proxy().build().unwrap().get(url).send().await;

        assert!(refused.unwrap_err().is_connect(), "it hangs up without a certificate");
        let greeting = greeting.await.unwrap();
        let says = |text: &[u8]| greeting.windows(text.len()).any(|part| part == text);
        assert_eq!((greeting[0], greeting[5]), (22, 1), "a handshake's ClientHello (RFC 8446, 4 and 5.1)");
        assert!(says(b"localhost") && says(b"\x08http/1.1") && !says(b"\x02h2"));
    }

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
