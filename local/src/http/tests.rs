//! What clients that are slow, and those that are not, see of a server with short limits.

use axum::{body::Bytes, routing::post};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use super::*;

const LIMITS: Limits = Limits { reading: Duration::from_millis(300), idle: Duration::from_secs(1) };
/// More than any of that takes.
const PATIENCE: Duration = Duration::from_secs(10);

const WHOLE: &str = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello";

async fn server() -> HttpServer {
    let slowly = async |body: Bytes| {
        sleep(LIMITS.reading * 3).await;
        body
    };
    let router = Router::new().route("/echo", post(async |body: Bytes| body)).route("/slowly", post(slowly));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    HttpServer::with_limits(listener, router, LIMITS).unwrap()
}

async fn connect(server: &HttpServer) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

/// What comes until the server closes the connection, and when it did.
async fn rest(client: &mut TcpStream) -> (String, Duration) {
    let (since, mut answer) = (Instant::now(), Vec::new());
    let closed = timeout(PATIENCE, client.read_to_end(&mut answer)).await.expect("the server keeps the connection");
    // Of a connection whose last bytes nobody read the kernel says that it was reset.
    drop(closed);
    (String::from_utf8(answer).unwrap(), since.elapsed())
}

/// The answer to a whole request.
async fn ask(client: &mut TcpStream, request: &str) -> String {
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let mut length = 0;
    while !answer[..length].ends_with(b"hello") {
        let read = timeout(PATIENCE, client.read(&mut answer[length..])).await.unwrap().unwrap();
        assert_ne!(read, 0, "closed after {:?}", String::from_utf8_lossy(&answer[..length]));
        length += read;
    }
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test]
async fn hundreds_of_half_sent_requests_are_let_go() {
    let server = server().await;
    let mut clients = Vec::new();
    for n in 0..400 {
        let mut client = connect(&server).await;
        let half = if n % 2 == 0 { "POST /echo HTTP/1.1\r\nhost" } else { &WHOLE[..WHOLE.len() - 1] };
        client.write_all(half.as_bytes()).await.unwrap();
        clients.push(client);
    }

    let since = Instant::now();
    for client in &mut clients {
        rest(client).await;
    }

    assert!(since.elapsed() < LIMITS.reading * 10, "{:?}", since.elapsed());
    assert!(ask(&mut connect(&server).await, WHOLE).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_byte_now_and_then_wins_no_time() {
    let server = server().await;
    let head = "POST /echo HTTP/1.1\r\nhost: x\r\nx-long: ";
    let body = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n";

    for begin in [head, body] {
        let (mut reader, mut writer) = connect(&server).await.into_split();
        writer.write_all(begin.as_bytes()).await.unwrap();
        let drip = tokio::spawn(async move {
            while writer.write_all(b"x").await.is_ok() {
                sleep(LIMITS.reading / 10).await;
            }
        });
        let since = Instant::now();
        timeout(PATIENCE, reader.read_to_end(&mut Vec::new())).await.expect("the server reads on").ok();

        assert!(since.elapsed() < LIMITS.reading * 5, "{begin}: {:?}", since.elapsed());
        drip.abort();
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered() {
    let server = server().await;
    let mut client = connect(&server).await;
    client.write_all(&WHOLE.as_bytes()[..WHOLE.len() - 1]).await.unwrap();

    let (answer, _) = rest(&mut client).await;

    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn a_pause_between_two_requests_is_not_a_slow_request() {
    let server = server().await;
    let mut client = connect(&server).await;

    sleep(LIMITS.reading * 2).await;
    let first = ask(&mut client, WHOLE).await;
    sleep(LIMITS.reading * 2).await;
    let second = ask(&mut client, WHOLE).await;

    assert!(first.starts_with("HTTP/1.1 200") && second.starts_with("HTTP/1.1 200"), "{first}, {second}");
}

#[tokio::test]
async fn a_request_may_take_as_long_as_its_handler_does() {
    let server = server().await;

    let answer = ask(&mut connect(&server).await, &WHOLE.replace("/echo", "/slowly")).await;

    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_connection_that_is_not_used_is_closed_in_the_end() {
    let server = server().await;
    let (mut unused, mut used) = (connect(&server).await, connect(&server).await);
    // The half of a second request comes together with the first one.
    ask(&mut used, &format!("{WHOLE}POST /ec")).await;

    let (_, unused) = rest(&mut unused).await;
    let (answer, used) = rest(&mut used).await;

    assert_eq!(answer, "");
    assert!(unused.max(used) < LIMITS.idle * 3, "{unused:?}, {used:?}");
}

#[tokio::test]
async fn a_stop_lets_the_request_in_work_end() {
    let server = server().await;
    let mut client = connect(&server).await;
    let request = WHOLE.replace("/echo", "/slowly");
    client.write_all(request.as_bytes()).await.unwrap();
    sleep(LIMITS.reading / 3).await;

    server.stop().await;

    let (answer, _) = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
}
