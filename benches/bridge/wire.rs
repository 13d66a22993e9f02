//! HTTP/1.1 as far as the load needs it: requests as they were signed, answers with a Content-Length or without a body.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::page::{SignedRequest, header};

/// A bridge that says nothing for so long says nothing any more.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A connection that is kept.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(authority: &str) -> Result<Self, std::io::Error> {
        let stream = TcpStream::connect(authority)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::with_capacity(1 << 16, stream)))
    }

    /// Sends a request and reads its answer.
    pub fn ask(&mut self, request: &SignedRequest) -> Result<Answer, Box<dyn Error + Send + Sync>> {
        let stream = self.0.get_mut();
        stream.write_all(&request.head)?;
        stream.write_all(&request.body)?;
        let first = self.line()?;
        let status = first.split(' ').nth(1).ok_or("no status")?.parse()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or("no header")?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let length = header(&headers, "content-length").map_or(Ok(0), str::parse)?;
        let mut body = Vec::with_capacity(length);
        self.0.by_ref().take(u64::try_from(length)?).read_to_end(&mut body)?;
        if body.len() != length {
            return Err("the answer ended early".into());
        }
        Ok(Answer { status, headers, body })
    }

    fn line(&mut self) -> Result<String, Box<dyn Error + Send + Sync>> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err("the bridge closed the connection".into());
        }
        Ok(line.trim_end().to_owned())
    }
}
