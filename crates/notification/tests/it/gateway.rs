//! A small HTTP gateway on a real socket: answers with the statuses a test asks for and keeps
//! what it was sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// One call as it arrived. Header names in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Gateway {
    /// An answer that never comes.
    pub(crate) const SILENCE: &'static str = "";

    /// Listens; answers 200 when nothing else was asked for.
    #[expect(clippy::disallowed_methods, reason = "a test server outside of any host")]
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        let gateway = Self { url, calls: Arc::default(), answers: Arc::default() };
        let serving = gateway.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let one = serving.clone();
                tokio::spawn(async move { one.serve(socket).await });
            }
        });
        gateway
    }

    /// The next answers: a status line's end and further headers, "503 Busy\r\nretry-after: 90".
    pub(crate) fn answer(&self, answers: &[&'static str]) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    async fn serve(&self, socket: TcpStream) {
        let mut socket = BufReader::new(socket);
        loop {
            let mut line = String::new();
            if socket.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let mut headers = HashMap::new();
            loop {
                line.clear();
                socket.read_line(&mut line).await.unwrap();
                let Some((name, value)) = line.trim().split_once(": ") else { break };
                headers.insert(name.to_lowercase(), value.to_owned());
            }
            let length = headers.get("content-length").map_or(0, |n| n.parse().unwrap());
            let mut body = vec![0; length];
            socket.read_exact(&mut body).await.unwrap();
            self.calls.lock().unwrap().push(Call { headers, body });
            let status = self.answers.lock().unwrap().pop_front().unwrap_or("200 OK");
            if status == Self::SILENCE {
                std::future::pending::<()>().await;
            }
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}
