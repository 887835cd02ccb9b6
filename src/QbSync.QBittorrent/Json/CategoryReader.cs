using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Json;

/// <summary>Reads the small objects of <c>sync/maindata</c>.</summary>
internal static class CategoryReader
{
    public static bool TryRead(ref Utf8JsonReader reader, [NotNullWhen(true)] out CategoryRecord? category)
    {
        string? name = null, path = null;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.EndObject)
            {
                category = new CategoryRecord { Name = name, SavePath = path };
                return true;
            }

            var isName = reader.ValueTextEquals("name"u8);
            var isPath = reader.ValueTextEquals("savePath"u8);
            if (!reader.Read() || !reader.TrySkip())
            {
                break;
            }

            name = isName ? StringPool.Read(ref reader) : name;
            path = isPath ? StringPool.Read(ref reader) : path;
        }

        category = null;
        return false;
    }

    public static bool TryRead(ref Utf8JsonReader reader, [NotNullWhen(true)] out ServerStateRecord? state)
    {
        long? free = null;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.EndObject)
            {
                state = new ServerStateRecord { FreeSpaceOnDisk = free };
                return true;
            }

            var isFree = reader.ValueTextEquals("free_space_on_disk"u8);
            if (!reader.Read() || !reader.TrySkip())
            {
                break;
            }

            // A word in its place says as little as 0 does.
            free = isFree ? Lenient.ReadInt64(ref reader) ?? 0 : free;
        }

        state = null;
        return false;
    }
}
