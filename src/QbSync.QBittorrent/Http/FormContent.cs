using System.Globalization;
using System.Text;

namespace QbSync.QBittorrent.Http;

/// <summary>
/// Bodies of known length: the client loses the fields of a chunked one. Written by hand so that they are the same bytes each time and
/// a resend needs no second stream.
/// </summary>
internal static class FormContent
{
    public const string FormType = "application/x-www-form-urlencoded";

    // Long enough not to occur in a .torrent by chance, and fixed, so that a form is comparable.
    private const string Boundary = "----qbsync-7d1f0a2e9c3b4e58a6f2b1c0d9e8f7a6";

    public const string MultipartType = "multipart/form-data; boundary=" + Boundary;

    /// <summary>Fields in the order given.</summary>
    public static ReadOnlyMemory<byte> Encode(params ReadOnlySpan<(string Name, string Value)> fields)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in fields)
        {
            text.Append(text.Length == 0 ? "" : "&").Append(name).Append('=').Append(Uri.EscapeDataString(value));
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <summary>Fields, then one file.</summary>
    public static ReadOnlyMemory<byte> EncodeMultipart(
        IEnumerable<(string Name, string Value)> fields, string fileField, string fileName, ReadOnlyMemory<byte> file)
    {
        var head = new StringBuilder();
        foreach (var (name, value) in fields)
        {
            head.Append(CultureInfo.InvariantCulture, $"--{Boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            head.Append(value).Append("\r\n");
        }

        head.Append(
            CultureInfo.InvariantCulture,
            $"--{Boundary}\r\nContent-Disposition: form-data; name=\"{fileField}\"; filename=\"{fileName}\"\r\n");
        head.Append("Content-Type: application/x-bittorrent\r\n\r\n");
        byte[] start = Encoding.UTF8.GetBytes(head.ToString()), end = Encoding.ASCII.GetBytes($"\r\n--{Boundary}--\r\n");
        var body = new byte[start.Length + file.Length + end.Length];
        start.CopyTo(body, 0);
        file.CopyTo(body.AsMemory(start.Length));
        end.CopyTo(body, start.Length + file.Length);
        return body;
    }
}
