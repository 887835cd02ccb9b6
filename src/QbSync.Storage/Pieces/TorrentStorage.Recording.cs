using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <inheritdoc />
    public bool AddedByUs => _journal.State.AddedByUs;

    /// <inheritdoc />
    public TimeSpan Uncontacted => _journal.State.Uncontacted;

    /// <inheritdoc />
    public async ValueTask SetPhaseAsync(StoredPhase phase, Refusal? failure, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await CommitAsync(
            batch =>
            {
                batch.AddPhase(phase, failure);
                if (phase == StoredPhase.AddIntent)
                {
                    batch.AddAddedByUs(true); // after a crash nobody could tell who added what the client then has
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask SetParametersAsync(TorrentParameters parameters, CancellationToken cancellationToken)
    {
        await CommitAsync(batch => batch.AddParameters(parameters), cancellationToken).ConfigureAwait(false);
        _request = _request with { Parameters = parameters };
    }

    /// <inheritdoc />
    public async ValueTask SetIdentitiesAsync(
        IReadOnlyList<FileIdentity?> identities, ReadOnlyMemory<byte> filesDigest, CancellationToken cancellationToken)
    {
        if (identities.SequenceEqual(_request.Identities) && filesDigest.Span.SequenceEqual(_request.FilesDigest.Span))
        {
            return;
        }

        if (identities.Count > 0 && identities.Count != Layout.Manifest.Files.Count)
        {
            throw new ArgumentException($"There are {identities.Count} identities for {Layout.Manifest.Files.Count} files.", nameof(identities));
        }

        await CommitAsync(
            batch =>
            {
                batch.AddIdentities(identities);
                batch.AddFilesDigest(filesDigest);
            },
            cancellationToken).ConfigureAwait(false);
        _request = _request with { Identities = [.. identities], FilesDigest = filesDigest.ToArray() };
        OfferLinks(); // those of files that were still downloading at the source are final now
    }

    /// <inheritdoc />
    public async ValueTask SetAddedByUsAsync(bool value, CancellationToken cancellationToken) =>
        await CommitAsync(batch => batch.AddAddedByUs(value), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask SetUncontactedAsync(TimeSpan value, CancellationToken cancellationToken) =>
        await CommitAsync(batch => batch.AddContact(value), cancellationToken).ConfigureAwait(false);
}
