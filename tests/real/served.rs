//! Documents on a port of loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// Serves each of the documents at `/` and its number, as long as the test runs.
pub(crate) fn serve(documents: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            // The head ends with an empty line.
            let _ = lines.find(String::is_empty);
            let number = first.split(['/', ' ']).find_map(|part| part.parse::<usize>().ok());
            let document = &documents[number.expect("a number")];
            let length = document.len();
            // Whoever has seen enough goes away.
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/samlmetadata+xml\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{document}"
            );
        }
    });
    origin
}
