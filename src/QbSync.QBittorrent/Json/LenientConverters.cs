using System.Text.Json;
using System.Text.Json.Serialization;

namespace QbSync.QBittorrent.Json;

/// <summary>Integers as <see cref="Lenient"/> reads them.</summary>
internal sealed class LenientInt64Converter : JsonConverter<long?>
{
    public override long? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var value = Lenient.ReadInt64(ref reader);
        reader.Skip();
        return value;
    }

    public override void Write(Utf8JsonWriter writer, long? value, JsonSerializerOptions options) => throw new NotSupportedException();
}

/// <summary>Finite numbers as <see cref="Lenient"/> reads them.</summary>
internal sealed class LenientDoubleConverter : JsonConverter<double?>
{
    public override double? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var value = Lenient.ReadDouble(ref reader);
        reader.Skip();
        return value;
    }

    public override void Write(Utf8JsonWriter writer, double? value, JsonSerializerOptions options) => throw new NotSupportedException();
}

/// <summary>Booleans as <see cref="Lenient"/> reads them.</summary>
internal sealed class LenientBooleanConverter : JsonConverter<bool?>
{
    public override bool? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var value = Lenient.ReadBoolean(ref reader);
        reader.Skip();
        return value;
    }

    public override void Write(Utf8JsonWriter writer, bool? value, JsonSerializerOptions options) => throw new NotSupportedException();
}

/// <summary>Strings as <see cref="Lenient"/> reads them.</summary>
internal sealed class LenientStringConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var value = Lenient.ReadString(ref reader);
        reader.Skip();
        return value;
    }

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Lenient.ReadString(ref reader) ?? "";

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => throw new NotSupportedException();
}

/// <summary>Strings that repeat, from the pool.</summary>
internal sealed class PooledStringConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var value = StringPool.Read(ref reader);
        reader.Skip();
        return value;
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => throw new NotSupportedException();
}
