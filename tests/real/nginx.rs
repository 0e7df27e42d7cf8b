//! nginx, which asks for a client certificate.

use tempfile::TempDir;

use super::authority::{Authority, write};
use super::running::Running;
use super::{installed, port};

/// An nginx with TLS whose API at `/account` wants a key, and at `/certified` a certificate too.
pub(crate) struct Nginx {
    pub(crate) folder: TempDir,
    pub(crate) url: String,
    _running: Running,
}

impl Nginx {
    pub(crate) fn start(clients: &Authority) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let servers = Authority::new("CA of servers");
        servers.issue(folder.path(), "server", 2060);
        write(folder.path(), "servers.pem", &servers.issuer.pem());
        write(folder.path(), "clients.pem", &clients.issuer.pem());
        let (port, here) = (port::free(), folder.path().display());
        // Read by processes of another user when the master is root.
        let configuration = format!(
            "daemon off; master_process off; pid {here}/pid; error_log stderr; events {{}}
             http {{
               access_log {here}/access.log;
               client_body_temp_path {here}; proxy_temp_path {here}; fastcgi_temp_path {here};
               uwsgi_temp_path {here}; scgi_temp_path {here};
               log_format headers '$http_proxy_authorization|$ssl_client_verify';
               server {{
                 listen 127.0.0.1:{port} ssl http2; ssl_protocols TLSv1.3;
                 ssl_certificate {here}/server.pem; ssl_certificate_key {here}/server.key;
                 ssl_client_certificate {here}/clients.pem; ssl_verify_client optional;
                 access_log {here}/headers.log headers;
                 location /account {{
                   if ($http_x_api_key != good-api-key) {{ return 401; }}
                   default_type application/json; return 200 '{{}}';
                 }}
                 location /certified {{
                   if ($ssl_client_verify != SUCCESS) {{ return 403; }}
                   if ($http_x_api_key != good-api-key) {{ return 401; }}
                   default_type application/json; return 200 '{{}}';
                 }}
               }}
             }}"
        );
        write(folder.path(), "nginx.conf", &configuration);
        let mut command = installed::debian("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(folder.path().join("nginx.conf"));
        let running = Running::start("nginx", &mut command);
        port::wait_until_it_listens(port);
        Self { url: format!("https://127.0.0.1:{port}"), folder, _running: running }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("headers.log")).unwrap_or_default()
    }
}
