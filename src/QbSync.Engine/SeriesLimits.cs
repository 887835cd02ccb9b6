using System.Globalization;
using System.Text;
using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>How many torrents have series of their own, and under which names.</summary>
/// <param name="Live">Torrents under way that have series at most.</param>
/// <param name="Finished">Synced torrents that have series at most.</param>
/// <param name="HasNames">Whether the label <c>name</c> is the torrent's; else the begin of its hash.</param>
internal sealed record SeriesLimits(int Live = 1000, int Finished = 1000, bool HasNames = true)
{
    /// <summary>Most torrents of either kind that may be asked for.</summary>
    public const int Most = 10_000;

    private const int LongestName = 200;
    private const int HashBegin = 8;

    /// <summary>The label for a torrent's name: no control, format or surrogate characters, at most 200, the hash for an empty one.</summary>
    public string NameLabel(InfoHash id, string name)
    {
        if (!HasNames)
        {
            return id.ToString()[..HashBegin];
        }

        var text = new StringBuilder(Math.Min(name.Length, LongestName));
        for (var i = 0; i < name.Length;)
        {
            var isRune = Rune.TryGetRuneAt(name, i, out var rune);
            var length = isRune ? rune.Utf16SequenceLength : 1;
            if (text.Length + length > LongestName)
            {
                break;
            }

            // Half of a pair is no character.
            var isShown = isRune && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format);
            text.Append(isShown ? name.AsSpan(i, length) : "_");
            i += length;
        }

        return text.Length == 0 ? id.ToString() : text.ToString();
    }
}
