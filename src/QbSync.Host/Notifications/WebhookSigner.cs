using System.Security.Cryptography;
using System.Text;

namespace QbSync.Host.Notifications;

/// <summary>The signature by which a receiver knows that a request is from here, and of when. Pure.</summary>
internal static class WebhookSigner
{
    /// <summary><c>v1=</c> and the HMAC-SHA-256 of <c>TIMESTAMP.BODY</c> in lower-case hexadecimal digits.</summary>
    public static string Sign(string secret, string timestamp, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        hash.AppendData(Encoding.UTF8.GetBytes(timestamp + "."));
        hash.AppendData(body);
        return "v1=" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
