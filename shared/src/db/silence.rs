//! A connection whose other side has to answer. A server that hangs, or a network that swallows packets, keeps a
//! connection open for ever; here it breaks, the statement fails, and the pool makes a new one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream that fails once nothing has been read for so long after something was written. While nothing is asked it may
/// be silent for ever. An answer that has begun is not measured: the next question is.
#[derive(Debug)]
pub(super) struct Answering<S> {
    stream: S,
    /// `None`: it may take as long as it takes.
    longest: Option<Duration>,
    /// Runs while an answer is owed.
    owed: Option<Pin<Box<Sleep>>>,
}

impl<S> Answering<S> {
    pub(super) fn new(stream: S, longest: Option<Duration>) -> Self {
        Self { stream, longest, owed: None }
    }

    fn asked(&mut self, cx: &mut Context<'_>) {
        if self.owed.is_none() {
            self.owed = self.longest.map(|longest| Box::pin(sleep(longest)));
        }
        // A reader may have begun to wait before, and is woken by this clock alone.
        if let Some(owed) = &mut self.owed {
            let _ = owed.as_mut().poll(cx);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Answering<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            self.owed = None;
            return Poll::Ready(read);
        }
        if let Some(owed) = &mut self.owed {
            ready!(owed.as_mut().poll(cx));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Answering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.asked(cx);
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
    use tokio::time::timeout;

    use super::*;

    const LONGEST: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn who_does_not_answer_in_time_breaks_the_connection() {
        let (ours, _theirs) = duplex(64);
        let mut stream = Answering::new(ours, Some(LONGEST));

        stream.write_all(b"select 1").await.unwrap();
        let read = stream.read_u8().await;

        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_waits_for_an_answer_before_the_question_is_sent_is_woken_too() {
        let (ours, _theirs) = duplex(64);
        let (mut reads, mut writes) = split(Answering::new(ours, Some(LONGEST)));

        let read = timeout(LONGEST * 10, async { tokio::join!(reads.read_u8(), writes.write_all(b"select 1")).0 });

        assert_eq!(read.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_that_was_asked_nothing_may_be_silent() {
        let (ours, mut theirs) = duplex(64);
        let mut stream = Answering::new(ours, Some(LONGEST));
        stream.write_all(b"select 1").await.unwrap();
        theirs.write_all(b"1").await.unwrap();
        stream.read_u8().await.unwrap();

        let silent = timeout(LONGEST * 3, stream.read_u8()).await;

        assert!(silent.is_err(), "it is not owed an answer");
    }

    #[tokio::test]
    async fn without_a_bound_an_answer_may_take_long() {
        let (ours, mut theirs) = duplex(64);
        let mut stream = Answering::new(ours, None);
        stream.write_all(b"create index").await.unwrap();

        let waiting = timeout(LONGEST * 3, stream.read_u8()).await;
        theirs.write_all(b"1").await.unwrap();

        assert!(waiting.is_err());
        assert_eq!(stream.read_u8().await.unwrap(), b'1');
    }
}
