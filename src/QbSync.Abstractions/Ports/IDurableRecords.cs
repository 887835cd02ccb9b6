namespace QbSync.Ports;

/// <summary>
/// Small named records that survive: read whole, replaced whole and atomically, durable when the call returns. Names are made by the caller from
/// hexadecimal digits, dashes, dots and one <c>/</c>. Thread-safe. A damaged record is set aside and reads as absent.
/// </summary>
public interface IDurableRecords
{
    /// <summary>The record's bytes, or null.</summary>
    ValueTask<byte[]?> ReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>Replaces the record.</summary>
    ValueTask WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Removes the record; one that is absent is success.</summary>
    ValueTask RemoveAsync(string name, CancellationToken cancellationToken);

    /// <summary>Puts a record that its owner cannot use out of the way, for a person to look at where that can be done; it is absent from then on.</summary>
    ValueTask SetAsideAsync(string name, CancellationToken cancellationToken) => RemoveAsync(name, cancellationToken);

    /// <summary>Names of the records whose name begins so.</summary>
    ValueTask<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>
    /// Adds a line to a file that people read and no program does: durable when the call returns. Of more than 64 MiB another file is begun, and eight are
    /// kept.
    /// </summary>
    /// <param name="name">The file's name; none of a record's.</param>
    /// <param name="line">Without an end of line, outside and inside.</param>
    /// <param name="cancellationToken">Ends the wait for a turn; what has begun is ended.</param>
    ValueTask AppendLineAsync(string name, ReadOnlyMemory<byte> line, CancellationToken cancellationToken);
}
