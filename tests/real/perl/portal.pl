# Serves the portal of LemonLDAP::NG on a port of loopback that the system chooses. It is an
# OpenID provider and a SAML identity provider whose forms hold a token that is good once.
#
# The settings are one JSON text in the first argument: a folder, the keys to sign with and
# clients, or `saml` with an entity ID, a pair of key and certificate, and service providers. Its
# demonstration takes the name of a person for the password. The first line on standard output tells
# the origin. Every request goes into the log, headers and body and all, before it is answered.
# Everything ends when standard input is closed, so that nothing outlives the test that started it.

use strict;
use warnings;

# The portal loads a module for captchas though nobody is shown one, and its own needs ImageMagick.
BEGIN {
    package NoCaptcha;
    use Mouse;
    extends 'Lemonldap::NG::Portal::Main::Plugin';
    sub init { 1 }
    $INC{'NoCaptcha.pm'} = __FILE__;
}

use HTTP::Server::PSGI;
use IO::Socket::INET;
use JSON;
use Lemonldap::NG::Portal::Main;
use Plack::Request;

my $settings = decode_json( $ARGV[0] );
my $folder   = $settings->{folder};
mkdir "$folder/$_" for qw(conf sessions locks);

my $socket = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1',
    LocalPort => 0,
    Listen    => 16,
    ReuseAddr => 1,
) or die "no port: $!";
my $origin = 'http://127.0.0.1:' . $socket->sockport;

# Another process waits for the end. It must not keep the port open then.
my $server = $$;
if ( !fork ) {
    close $socket;
    1 while <STDIN>;
    kill 'KILL', $server;
    exit;
}

my $store = {
    Directory      => "$folder/sessions",
    LockDirectory  => "$folder/locks",
    generateModule => 'Lemonldap::NG::Common::Apache::Session::Generate::SHA256',
};
my ( %options, %claims );
for my $client ( @{ $settings->{clients} } ) {
    my $id = $client->{id};
    $claims{$id}  = { name => 'cn' };
    $options{$id} = {
        oidcRPMetaDataOptionsClientID             => $id,
        oidcRPMetaDataOptionsClientSecret         => $client->{secret},
        oidcRPMetaDataOptionsRedirectUris         => $client->{redirect_uri},
        oidcRPMetaDataOptionsIDTokenSignAlg       => 'RS256',
        oidcRPMetaDataOptionsRefreshToken         => 1,
        oidcRPMetaDataOptionsBypassConsent        => $client->{trusted} ? 1 : 0,
        oidcRPMetaDataOptionsAccessTokenExpiration => 300,
    };
}
my $configuration = {
    cfgNum                         => 1,
    cfgDate                        => time,
    authentication                 => 'Demo',
    userDB                         => 'Same',
    passwordDB                     => 'Demo',
    registerDB                     => 'Null',
    domain                         => '127.0.0.1',
    locationRules                  => { '127.0.0.1' => { default => 'accept' } },
    portal                         => "$origin/",
    key                            => 'a key that encrypts cookies',
    cookieName                     => 'lemonldap',
    securedCookie                  => 0,
    requireToken                   => 1,
    portalDisplayRegister          => 0,
    portalDisplayResetPassword     => 0,
    captcha                        => 'NoCaptcha',
    captcha_mail_enabled           => 0,
    captcha_register_enabled       => 0,
    globalStorage                  => 'Apache::Session::File',
    globalStorageOptions           => $store,
    persistentStorage              => 'Apache::Session::File',
    persistentStorageOptions       => $store,
    issuerDBOpenIDConnectActivation => 1,
    issuerDBOpenIDConnectRule      => 1,
    oidcServiceMetaDataIssuer      => $origin,
    oidcServicePrivateKeySig       => $settings->{signing_key},
    oidcServicePublicKeySig        => $settings->{public_key},
    oidcServiceKeyIdSig            => 'first',
    oidcServiceAllowAuthorizationCodeFlow => 1,
    oidcRPMetaDataOptions          => \%options,
    oidcRPMetaDataExportedVars     => \%claims,
    oidcRPMetaDataScopeRules       => {},
    demoExportedVars               => { cn => 'cn', mail => 'mail', uid => 'uid' },
};
if ( my $saml = $settings->{saml} ) {
    my ( %metadata, %options, %attributes );
    for my $sp ( @{ $saml->{service_providers} } ) {
        my $name = $sp->{name};
        $metadata{$name} = { samlSPMetaDataXML => $sp->{metadata} };
        $options{$name}  = {
            samlSPMetaDataOptionsNameIDFormat             => 'transient',
            samlSPMetaDataOptionsSignSSOMessage           => $sp->{sign_response} // -1,
            samlSPMetaDataOptionsCheckSSOMessageSignature => $sp->{check_request} // 0,
            samlSPMetaDataOptionsEncryptionMode           => $sp->{encryption} // 'none',
            samlSPMetaDataOptionsNotOnOrAfterTimeout      => 300,
            samlSPMetaDataOptionsSessionNotOnOrAfterTimeout => 300,
            samlSPMetaDataOptionsEnableIDPInitiatedURL    => 0,
        };
        # One word: mandatory, name, format, friendly name.
        $attributes{$name} = { mail => '1;mail;;mail' };
    }
    %$configuration = (
        %$configuration,
        issuerDBOpenIDConnectActivation      => 0,
        issuerDBSAMLActivation               => 1,
        issuerDBSAMLRule                     => 1,
        samlEntityID                         => $saml->{entity_id},
        samlServicePrivateKeySig             => $saml->{pair}{key},
        samlServicePublicKeySig              => $saml->{pair}{certificate},
        samlServiceUseCertificateInResponse  => 1,
        samlServiceSignatureMethod           => $saml->{algorithm} // 'RSA_SHA256',
        samlIDPSSODescriptorWantAuthnRequestsSigned => $saml->{want_signed_requests} // 0,
        samlSPMetaDataXML                    => \%metadata,
        samlSPMetaDataOptions                => \%options,
        samlSPMetaDataExportedAttributes     => \%attributes,
        samlSPMetaDataMacros                 => {},
    );
}
open my $file, '>', "$folder/conf/lmConf-1.json" or die $!;
print $file encode_json($configuration);
close $file;

my $portal = Lemonldap::NG::Portal::Main->run(
    {
        configStorage       => { type => 'File', dirName => "$folder/conf" },
        localSessionStorage => '',
        localStorage        => '',
        logLevel            => 'warn',
        staticPrefix        => '/static',
        templateDir         => '/usr/share/lemonldap-ng/portal/templates',
    }
);

open my $log, '>>', "$folder/requests" or die $!;
$log->autoflush(1);

sub logged {
    my ($env) = @_;
    my $request = Plack::Request->new($env);
    my %headers;
    $request->headers->scan( sub { $headers{ lc $_[0] } = $_[1] } );
    my $line = {
        site    => 'http',
        request => $request->method . ' ' . $request->path,
        headers => \%headers,
        body    => $request->content,
    };
    print $log encode_json($line), "\n";
    return $portal->($env);
}

$| = 1;
print encode_json( { http => $origin } ), "\n";
HTTP::Server::PSGI->new( listen_sock => $socket, timeout => 60 )->run( \&logged );
