using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.State;

internal sealed partial class SessionState
{
    private bool ReadNames(ref RecordReader reader, Dictionary<int, IReadOnlyList<string>> names)
    {
        for (var count = reader.ReadInt32(); count > 0 && !reader.HasFailed; count--)
        {
            var index = reader.ReadInt32();
            var parts = reader.ReadStrings();
            if ((uint)index >= (uint)manifest.Files.Count)
            {
                return false;
            }

            names[index] = parts;
        }

        return reader.IsGood;
    }

    private bool ReadIdentities(ref RecordReader reader)
    {
        if (reader.ReadByte() != 0)
        {
            _identities = new FileIdentity?[manifest.Files.Count];
        }

        for (var count = reader.ReadInt32(); count > 0 && !reader.HasFailed; count--)
        {
            var index = reader.ReadInt32();
            if (_identities is null || (uint)index >= (uint)_identities.Length)
            {
                return false;
            }

            _identities[index] = new FileIdentity(reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadInt64(), reader.ReadInt64());
        }

        return reader.IsGood;
    }

    private void ReadMoving(ref RecordReader reader)
    {
        _movingNames.Clear();
        var place = new Place(reader.ReadString(), reader.ReadStrings(), (ContentLayout)reader.ReadByte());
        Moving = new MoveTarget(
            place, index => manifest.Files[index].IsReal ? _movingNames.GetValueOrDefault(index, manifest.Files[index].Path) : []);
    }

    private void EndMove(bool arrived)
    {
        if (arrived && Moving is { } target)
        {
            Place = target.Place;
            _names.Clear();
            foreach (var (index, parts) in _movingNames)
            {
                _names[index] = parts;
            }
        }

        Moving = null;
        _movingNames.Clear();
    }

    private bool ReadFile(ref RecordReader reader)
    {
        var index = reader.ReadInt32();
        var record = reader.ReadRecord();
        if (!reader.IsGood || (uint)index >= (uint)manifest.Files.Count)
        {
            return false;
        }

        Publishing.Remove(index);
        Unsettled.Remove(index);
        Unpublishing.Remove(index);
        Linking.Remove(index);
        if (record.Kind == OwnKind.None)
        {
            Files.Remove(index);
        }
        else
        {
            Files[index] = record;
        }

        return true;
    }

    private static TorrentParameters ReadParameters(ref RecordReader reader) => new()
    {
        Category = reader.ReadString(),
        Tags = reader.ReadStrings(),
        AddedAt = ReadTime(ref reader),
        CompletedAt = ReadTime(ref reader),
        Limits = reader.HasMore
            ? ShareLimits.FromNumbers(ReadNumber(ref reader), ReadNumber(ref reader), ReadNumber(ref reader))
            : ShareLimits.Global,
    };

    private static double ReadNumber(ref RecordReader reader) => BitConverter.Int64BitsToDouble(reader.ReadInt64());

    private static DateTimeOffset? ReadTime(ref RecordReader reader)
    {
        var milliseconds = reader.ReadInt64();
        return milliseconds is > 0 and < 253_402_300_800_000 ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;
    }
}
