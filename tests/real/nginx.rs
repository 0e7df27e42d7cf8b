//! nginx, which asks for a client certificate.

use tempfile::TempDir;

use super::authority::{Authority, write};
use super::requests::{self, Seen};
use super::running::Running;
use super::{installed, port};

/// An nginx, with TLS and without, whose API at `/account` wants a key, and at `/certified` a certificate too.
pub(crate) struct Nginx {
    pub(crate) folder: TempDir,
    pub(crate) url: String,
    pub(crate) plain_url: String,
    _running: Running,
}

impl Nginx {
    pub(crate) fn start(servers: &Authority, clients: &Authority) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        servers.issue(folder.path(), "server", 2060);
        write(folder.path(), "servers.pem", &servers.issuer.pem());
        write(folder.path(), "clients.pem", &clients.issuer.pem());
        let (port, plain, here) = (port::free(), port::free(), folder.path().display());
        // Read by processes of another user when the master is root.
        let configuration = format!(
            "daemon off; master_process off; pid {here}/pid; error_log stderr; events {{}}
             http {{
               access_log {here}/access.log;
               client_body_temp_path {here}; proxy_temp_path {here}; fastcgi_temp_path {here};
               uwsgi_temp_path {here}; scgi_temp_path {here};
               log_format seen escape=json '{{\"site\": \"$scheme\", \"request\": \"$request_method $uri\",'
                 '\"headers\": {{\"user-agent\": \"$http_user_agent\", \"via\": \"$http_via\",'
                 '\"proxy-authorization\": \"$http_proxy_authorization\"}}}}';
               server {{
                 listen 127.0.0.1:{plain};
                 listen 127.0.0.1:{port} ssl http2; ssl_protocols TLSv1.3;
                 ssl_certificate {here}/server.pem; ssl_certificate_key {here}/server.key;
                 ssl_client_certificate {here}/clients.pem; ssl_verify_client optional;
                 access_log {here}/requests seen;
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
        Self {
            url: format!("https://127.0.0.1:{port}"),
            plain_url: format!("http://127.0.0.1:{plain}"),
            folder,
            _running: running,
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// What it was asked, at least so many requests.
    pub(crate) fn requests(&self, count: usize) -> Vec<Seen> {
        requests::read(&self.folder.path().join("requests"), count)
    }
}
