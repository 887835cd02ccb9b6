using Microsoft.Extensions.Logging;

namespace QbSync.Testing.Logging;

public sealed record LogEntry(string Category, LogLevel Level, EventId Id, string Message, Exception? Exception)
{
    public override string ToString() => $"{Level} {Category}[{Id.Id} {Id.Name}] {Message}{(Exception is null ? "" : $"{Environment.NewLine}{Exception}")}";
}
