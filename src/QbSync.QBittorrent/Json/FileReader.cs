using System.Text.Json;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Json;

/// <summary>Reads files of a torrent.</summary>
internal static class FileReader
{
    private static readonly FieldTable Fields = new(["index", "name", "size", "priority", "progress"]);

    public static bool TryRead(ref Utf8JsonReader reader, out FileRecord file)
    {
        long? index = null, size = null, priority = null;
        double? progress = null;
        string? name = null;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.EndObject)
            {
                file = new FileRecord { Index = index, Name = name, Size = size, Priority = priority, Progress = progress };
                return true;
            }

            var field = Fields.Find(ref reader);
            if (!reader.Read() || !reader.TrySkip())
            {
                break;
            }

            switch (field)
            {
                case 0:
                    index = Lenient.ReadInt64(ref reader);
                    break;
                case 1:
                    name = Lenient.ReadString(ref reader);
                    break;
                case 2:
                    size = Lenient.ReadInt64(ref reader);
                    break;
                case 3:
                    priority = Lenient.ReadInt64(ref reader);
                    break;
                case 4:
                    progress = Lenient.ReadDouble(ref reader);
                    break;
            }
        }

        file = null!;
        return false;
    }
}
