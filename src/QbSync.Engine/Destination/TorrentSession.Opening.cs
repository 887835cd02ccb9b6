using QbSync.Engine.Destination.Initialization;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private InitRequest? _openingRequest;
    private TaskCompletionSource<InitOutcome?>? _opening;
    private Task _closing = Task.CompletedTask;
    private bool _ownNames;
    private bool _keepsOldPlace;
    private bool _isReshaping;

    /// <summary>Opens, or joins what opens. Null when this session has ended and its successor has to be asked.</summary>
    public async Task<InitOutcome?> InitAsync(Caller caller, InitRequest request) =>
        await (await _mailbox.AskAsync(() => Init(caller, request), Task.FromResult<InitOutcome?>(null)).ConfigureAwait(false)).ConfigureAwait(false);

    private Task<InitOutcome?> Init(Caller caller, InitRequest request)
    {
        if (_isRetired)
        {
            return Answer(null);
        }

        if (_state != TorrentSessionState.Absent && _source != caller.Source)
        {
            return Refuse(RefusalReason.OtherSource, "Another source sends this torrent.");
        }

        Contacted();
        if (_isReshaping)
        {
            return IsSame(_openingRequest!, request) ? _opening!.Task : Refuse(RefusalReason.Busy, "Another selection or place is being taken.");
        }

        switch (_state)
        {
            case TorrentSessionState.Absent:
                return StartOpening(caller, request);
            case TorrentSessionState.Opening:
                return IsSame(_openingRequest!, request) ? _opening!.Task : Refuse(RefusalReason.Busy, "It is being opened with another request.");
            case TorrentSessionState.Aborting:
                return Refuse(RefusalReason.Busy, "Its unfinished files are being removed.");
            case TorrentSessionState.HandedOff:
                return HasSelection(request) ? InitCompleteAsync() : Refuse(RefusalReason.HandedOff, "It was handed over with another selection.");
            case TorrentSessionState.Complete when HasSelection(request):
                // The client has the files now: another place is for a person to choose there, the old one is kept.
                return InitCompleteAsync();
            case TorrentSessionState.Finalizing when _storage!.Phase.IsAtClient():
                return HasSelection(request)
                    ? Answer(new InitOutcome.Running(_progress))
                    : Refuse(RefusalReason.Busy, "It is being added to the client; another selection is taken after that.");
            case TorrentSessionState.Finalizing when IsSame(request):
                return Answer(new InitOutcome.Running(_progress));
            case TorrentSessionState.Failed when IsSame(request):
                RetryFailed();
                return Answer(MakeOpen(oldPlace: false));
            case TorrentSessionState.Receiving when IsSame(request) && !HasOtherFiles(request):
                TakeParameters(request.Parameters);
                return Answer(MakeOpen(oldPlace: _keepsOldPlace));
            default:
                return Reshape(caller, request);
        }

        Task<InitOutcome?> Refuse(RefusalReason reason, string detail) => Answer(new InitOutcome.Refused(new Refusal(reason, detail)));
    }

    private async Task<InitOutcome?> InitCompleteAsync() => await AnswerCompleteAsync().ConfigureAwait(false) is FinalizeOutcome.Complete complete
        ? new InitOutcome.Complete(complete.View)
        : new InitOutcome.Running(GetProgress());

    private static Task<InitOutcome?> Answer(InitOutcome? outcome) => Task.FromResult(outcome);

    private Task<InitOutcome?> StartOpening(Caller caller, InitRequest request)
    {
        _source = caller.Source;
        _openingRequest = request;
        _opening ??= new TaskCompletionSource<InitOutcome?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _progress = new OperationProgress(FinalizeStage.Opening, 0, 0);
        Transition(TorrentSessionState.Opening, "init");
        _lane.Enqueue(lease => OpenAsync(caller, request, lease));
        return _opening.Task;
    }

    private async Task OpenAsync(Caller caller, InitRequest request, CancellationToken lease)
    {
        OpeningEnd? end = null;
        await RunAsync(
            "opening",
            async token => end = await _context.Opener.OpenAsync(caller, request, token).ConfigureAwait(false),
            lease).ConfigureAwait(false);
        end ??= new OpeningEnd(null, false, lease.IsCancellationRequested
            ? new Refusal(RefusalReason.Stopping, "The destination is shutting down.")
            : new Refusal(RefusalReason.StorageError, "The destination failed while it opened the torrent; its log says how."));
        if (!await _mailbox.PostAsync(() => OnOpened(end)).ConfigureAwait(false) && end.Storage is { } late)
        {
            await late.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void OnOpened(OpeningEnd end)
    {
        var waiting = _opening!;
        (_opening, _openingRequest) = (null, null);
        if (end.Storage is not { } storage)
        {
            Log.Refused(_context.Logger, Id, end.Refusal!.Reason, end.Refusal.Detail);
            Transition(TorrentSessionState.Absent, end.Refusal.Reason.ToString());
            Retire();
            waiting.SetResult(new InitOutcome.Refused(end.Refusal));
            return;
        }

        (_ownNames, _keepsOldPlace) = (end.OwnNames, end.OldPlace);
        _refusal = null;
        Attach(storage);
        Transition(TorrentSessionState.Receiving, "opened");
        GoOnReceiving();
        waiting.SetResult(MakeOpen(end.OldPlace));
    }

    private void RetryFailed()
    {
        var storage = _storage!;
        _refusal = null;
        _ledger.Clear();
        Transition(TorrentSessionState.Receiving, "tried again");
        var phase = storage.AddedByUs && _view.HoldsAll ? StoredPhase.AddIntent : StoredPhase.Receiving;
        _lane.Enqueue(lease => RunAsync("record of the retry", token => storage.SetPhaseAsync(phase, null, token).AsTask(), lease));
        GoOnReceiving();
    }

    private void TakeParameters(TorrentParameters parameters)
    {
        var storage = _storage!;
        if (!SameParameters(storage.Request.Parameters, parameters))
        {
            _lane.Enqueue(lease => RunAsync("record of parameters", token => storage.SetParametersAsync(parameters, token).AsTask(), lease));
        }
    }

    private InitOutcome MakeOpen(bool oldPlace) =>
        MakeOpen(oldPlace, _storage!.Losses);

    /// <param name="oldPlace">Another place than the one asked for.</param>
    /// <param name="losses">Read before the bitmaps: a loss in between makes the source ask once too often, never once too seldom.</param>
    private InitOutcome MakeOpen(bool oldPlace, ulong losses) =>
        new InitOutcome.Open(_context.Incarnation, _view.Epoch, _storage!.CopyHave(), _storage.CopyDeferred(), _ownNames, oldPlace, losses);

    private bool IsSame(InitRequest request) => (_keepsOldPlace || IsSame(_storage!.Request.Place, request.Place)) && HasSelection(request);

    private bool HasSelection(InitRequest request) => _storage!.Request.Selection.ToBytes().AsSpan().SequenceEqual(request.Selection.Span);

    /// <summary>Whether the source's file table is another one than that which is stored.</summary>
    private bool HasOtherFiles(InitRequest request) =>
        !request.FilesDigest.IsEmpty && !request.FilesDigest.Span.SequenceEqual(_storage!.Request.FilesDigest.Span);

    private static bool IsSame(InitRequest one, InitRequest other) =>
        IsSame(one.Place, other.Place) && one.Selection.Span.SequenceEqual(other.Selection.Span);

    private static bool IsSame(Place one, Place other) =>
        one.Root == other.Root && one.Layout == other.Layout && one.SubPath.SequenceEqual(other.SubPath);

    private static bool SameParameters(TorrentParameters one, TorrentParameters other) =>
        one.Category == other.Category && one.AddedAt == other.AddedAt && one.CompletedAt == other.CompletedAt && one.Limits == other.Limits
        && one.Tags.SequenceEqual(other.Tags);
}
