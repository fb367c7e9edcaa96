//! How long a client is waited for: before a request, for the rest of its head, and for its body.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use super::Limits;

/// Counts the turns of a connection: the client's, which are even, and ours, from the end of a request's head to its
/// answer. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<AtomicU64>);

impl Turns {
    /// Our turn, until what this returns is dropped.
    pub(super) fn begin(&self) -> Turn {
        self.0.fetch_add(1, Ordering::Relaxed);
        Turn(self.clone())
    }

    fn current(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(super) struct Turn(Turns);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection that ends when the client does not make use of its turn in time. What bounds our turn is the handler's
/// business, and [`Bounded`]'s.
#[derive(Debug)]
pub(super) struct Patient {
    stream: TcpStream,
    turns: Turns,
    limits: Limits,
    /// The turn that the rest is about.
    turn: u64,
    /// Whether the client has begun with a request in this turn.
    begun: bool,
    end: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, turns: Turns, limits: Limits) -> Self {
        let (turn, end) = (turns.current(), Some(Box::pin(sleep(limits.idle))));
        Self { stream, turns, limits, turn, begun: false, end }
    }

    /// Starts the time of a turn that has just begun.
    fn notice_turn(&mut self) {
        let turn = self.turns.current();
        if turn != self.turn {
            self.turn = turn;
            self.begun = false;
            self.end = turn.is_multiple_of(2).then(|| Box::pin(sleep(self.limits.idle)));
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.notice_turn();
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            if buffer.filled().len() > before && !self.begun && self.end.is_some() {
                self.begun = true;
                self.end = Some(Box::pin(sleep(self.limits.reading)));
            }
            return Poll::Ready(read);
        }
        match &mut self.end {
            Some(end) => {
                ready!(end.as_mut().poll(cx));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, TooSlow)))
            }
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A client took longer for its request than it may.
#[derive(Debug, thiserror::Error)]
#[error("the request did not come in time")]
pub struct TooSlow;

/// A request's body, which has to be there as a whole within a time: a client that sends a byte now and then is as slow as
/// one that sends nothing.
#[derive(Debug)]
pub(super) struct Bounded {
    body: Incoming,
    end: Pin<Box<Sleep>>,
}

impl Bounded {
    pub(super) fn new(body: Incoming, limit: Duration) -> Self {
        Self { body, end: Box::pin(sleep(limit)) }
    }
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(TooSlow.into())));
        }
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
