namespace QbSync.Torrents.Bencode;

/// <summary>
/// Gives a file whose path an earlier file or any folder already has, ASCII case aside, a number before its extension, as libtorrent does.
/// </summary>
internal static class NameCollisions
{
    private const int MostCollisions = 500;

    public static void Resolve(List<string[]> paths, List<ManifestEntry> entries)
    {
        // Value: length of the pad that has the path, or -1. Pads of one length may share a path.
        var taken = new Dictionary<string, long>(paths.Count);
        ReadOnlySpan<string> folder = [];
        foreach (var path in paths)
        {
            if (folder.SequenceEqual(path.AsSpan(0, path.Length - 1)))
            {
                continue;
            }

            folder = path.AsSpan(0, path.Length - 1);
            for (var depth = path.Length - 1; depth > 0; depth--)
            {
                if (!taken.TryAdd(Key(path.AsSpan(0, depth)), -1))
                {
                    break;
                }
            }
        }

        var collisions = 0;
        for (var i = 0; i < paths.Count; i++)
        {
            var path = paths[i];
            var pad = entries[i].IsPad ? entries[i].Length : -1;
            var key = Key(path);
            if (taken.TryAdd(key, pad) || (pad >= 0 && taken[key] == pad))
            {
                continue;
            }

            var name = path[^1];
            var dot = name.LastIndexOf('.');
            var stem = dot < 0 ? name : name[..dot];
            paths[i] = path = [.. path];
            for (var number = 1; ; number++)
            {
                path[^1] = $"{stem}.{number}{name[stem.Length..]}";
                if (taken.TryAdd(Key(path), pad))
                {
                    break;
                }

                if (++collisions > MostCollisions)
                {
                    throw ManifestParser.Malformed($"more than {MostCollisions} files are named like others");
                }
            }
        }
    }

    private static string Key(ReadOnlySpan<string> path)
    {
        var key = string.Join('/', path);
        return !key.AsSpan().ContainsAnyInRange('A', 'Z') ? key : string.Create(key.Length, key, static (lower, text) =>
        {
            for (var i = 0; i < lower.Length; i++)
            {
                lower[i] = char.IsAsciiLetterUpper(text[i]) ? (char)(text[i] | 0x20) : text[i];
            }
        });
    }
}
