namespace QbSync.Transport;

/// <summary>How the two ends of a connection learn who the other is.</summary>
public enum SecurityMode
{
    /// <summary>Mutual TLS with self-signed certificates; each side has pinned the other's.</summary>
    Paired = 0,

    /// <summary>Mutual TLS with certificates of the user's own authority.</summary>
    CertificateAuthority = 1,

    /// <summary>TLS, and a bearer token that both sides know.</summary>
    Token = 2,

    /// <summary>Neither encryption nor identity; for loopback.</summary>
    Insecure = 3,
}
