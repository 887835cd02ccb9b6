using System.Buffers;
using System.Text;

namespace QbSync.Torrents.Bencode;

/// <summary>
/// Turns the raw bytes of one path part into the name that libtorrent gives it, so that a client looks where we write. The result has no
/// separator and no control character and is never a dot name.
/// </summary>
internal static class NameSanitizer
{
    private const int CutAt = 240;
    private const int LongestExtension = 9;

    // Nearly all names are of these alone and pass unchanged; a dot name is left to the slow way.
    private static readonly SearchValues<byte> Plain =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _-()[]{}!#$%&'+,;=@^`~."u8);

    public static string? Sanitize(ReadOnlySpan<byte> raw) => Sanitize(raw, OperatingSystem.IsWindows());

    /// <returns>Null when nothing is left but dots.</returns>
    public static string? Sanitize(ReadOnlySpan<byte> raw, bool forWindows)
    {
        if (raw.IsEmpty)
        {
            return "_";
        }

        if (raw.Length < CutAt && !raw.ContainsAnyExcept(Plain) && raw[0] != '.' && !forWindows)
        {
            return Encoding.ASCII.GetString(raw);
        }

        Span<char> units = stackalloc char[2];
        var name = new StringBuilder(raw.Length);
        int bytes = 0, characters = 0, dots = 0, step;
        var hasExtension = false;
        for (var i = 0; i < raw.Length; i += step)
        {
            var value = Decode(raw[i..], out step);
            if (IsDropped(value))
            {
                continue;
            }

            characters++;
            if (IsReplaced(value, forWindows))
            {
                name.Append('_');
                bytes++;
                continue;
            }

            name.Append(units[..new Rune(value).EncodeToUtf16(units)]);
            dots += value == '.' ? 1 : 0;
            bytes += step;
            if ((forWindows ? characters : bytes) < CutAt || hasExtension)
            {
                continue;
            }

            var tail = Math.Max(raw.Length - LongestExtension, i + 1);
            var dot = tail < raw.Length ? raw[tail..].LastIndexOf((byte)'.') : -1;
            if (dot < 0)
            {
                break;
            }

            hasExtension = true;
            i = tail + dot - step;
        }

        if (bytes == dots && bytes <= 2)
        {
            return null;
        }

        var text = name.ToString();
        text = forWindows ? text.TrimEnd(' ', '.') : text;
        return text.Length > 0 ? text : null;
    }

    /// <summary>
    /// One code point, or -1. A broken sequence takes the bytes that its first one announces, as libtorrent counts them: where it resumes
    /// decides the name.
    /// </summary>
    private static int Decode(ReadOnlySpan<byte> raw, out int length)
    {
        var lead = raw[0];
        length = lead switch { < 0x80 => 1, >= 0xc0 and < 0xe0 => 2, >= 0xe0 and < 0xf0 => 3, >= 0xf0 and < 0xf8 => 4, >= 0xf8 and < 0xfc => 5, _ => 1 };
        if (length > raw.Length)
        {
            length = raw.Length;
            return -1;
        }

        return Rune.DecodeFromUtf8(raw[..length], out var rune, out var read) == OperationStatus.Done && read == length
            ? rune.Value
            : -1;
    }

    private static bool IsDropped(int value) => value is '/' or '\\' or 0x061c or (>= 0x200b and <= 0x200f) or (>= 0x202a and <= 0x202e)
        or (>= 0x2060 and <= 0x2064) or (>= 0x2066 and <= 0x2069) or 0xfeff;

    private static bool IsReplaced(int value, bool forWindows) => value is < 0x20 or (>= 0x7f and <= 0x9f)
        || (forWindows && value is '?' or '<' or '>' or '"' or ':' or '*' or '|');
}
