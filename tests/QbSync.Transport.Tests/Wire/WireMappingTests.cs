using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;
using AnnounceState = QbSync.Outcomes.AnnounceState;
using ClientView = QbSync.Outcomes.ClientView;
using Proof = QbSync.Outcomes.Proof;
using Refusal = QbSync.Outcomes.Refusal;
using RefusalReason = QbSync.Outcomes.RefusalReason;

namespace QbSync.Transport.Tests.Wire;

internal sealed class WireMappingTests
{
    private static readonly DateTimeOffset Now = new(2024, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Test]
    [TransportCase(3)]
    public void Enums_WireAndDomain_HaveTheSameNamesAndNumbers()
    {
        AssertSameNumbers<RefusalReason, Transport.Wire.Protocol.RefusalReason>();
        AssertSameNumbers<PieceAckStatus, AckStatus>();
        AssertSameNumbers<FinalizeStage, Stage>();
        AssertSameNumbers<DestinationTorrentState, TorrentState>();
        AssertSameNumbers<ClientTorrentState, ClientState>();
        AssertSameNumbers<Ports.AbortCause, Transport.Wire.Protocol.AbortCause>();
        AssertSameNumbers<Ports.AbortMode, Transport.Wire.Protocol.AbortMode>();
        AssertSameNumbers<Ports.StartCause, Transport.Wire.Protocol.StartCause>();
        AssertSameNumbers<Outcomes.AnnounceState, Transport.Wire.Protocol.AnnounceState>();
        AssertSameNumbers<ContentLayout, Layout>();
    }

    [Test]
    [TransportCase(3)]
    public void Refusal_EachReason_CrossesBothWays()
    {
        foreach (var reason in Enum.GetValues<RefusalReason>())
        {
            var refusal = new Refusal(reason, "detail", TimeSpan.FromSeconds(3), 10, 0);
            Assert.That(WireMapping.ToDomain(WireMapping.ToWire(refusal)), Is.EqualTo(refusal));
        }

        var bare = new Refusal(RefusalReason.Busy);
        Assert.That(WireMapping.ToDomain(WireMapping.ToWire(bare)), Is.EqualTo(bare));
    }

    [TestCase(13)]
    [TestCase(30)]
    [TestCase(68)]
    [TestCase(-1)]
    [TestCase(int.MaxValue)]
    [TransportCase(3)]
    public void Numbers_ThatThisBuildDoesNotKnow_AskForNothing(int number)
    {
        var refusal = WireMapping.ToDomain(new Transport.Wire.Protocol.Refusal { Reason = (Transport.Wire.Protocol.RefusalReason)number });
        Assert.That(refusal.Reason, Is.EqualTo(RefusalReason.Unknown));
        Assert.That(refusal.Reason.GetKind(), Is.EqualTo(RefusalKind.Wait));

        var status = new Transport.Wire.Protocol.TorrentStatus { Id = WireMapping.ToWire(TestSource.Torrent), State = (TorrentState)number };
        Assert.That(WireMapping.ToDomain(status, Now).State, Is.EqualTo(DestinationTorrentState.Unknown));

        var stage = WireMapping.ToDomain(new Running { Stage = (Stage)number });
        Assert.That(stage.Stage, Is.EqualTo(FinalizeStage.Unknown));

        var abort = new Transport.Wire.Protocol.AbortRequest
        {
            Id = WireMapping.ToWire(TestSource.Torrent),
            Cause = (Transport.Wire.Protocol.AbortCause)number,
        };
        Assert.That(() => WireMapping.ToDomain(abort), Throws.TypeOf<PeerException>());

        (abort.Cause, abort.Mode) = (Transport.Wire.Protocol.AbortCause.Operator, (Transport.Wire.Protocol.AbortMode)number);
        Assert.That(() => WireMapping.ToDomain(abort), Throws.TypeOf<PeerException>());

        var start = new Transport.Wire.Protocol.StartRequest { Id = abort.Id, Cause = (Transport.Wire.Protocol.StartCause)number };
        Assert.That(() => WireMapping.ToDomain(start), Throws.TypeOf<PeerException>());
    }

    [Test]
    [TransportCase(3)]
    public void Answers_WithoutAKnownArm_AskToWait()
    {
        Assert.That(Kind(WireMapping.ToDomain(new InitReply(), 1, Now) is InitOutcome.Refused init ? init.Refusal : null), Is.EqualTo(RefusalKind.Wait));
        Assert.That(Kind(WireMapping.ToDomain(new FinalizeReply(), Now) is FinalizeOutcome.Refused final ? final.Refusal : null), Is.EqualTo(RefusalKind.Wait));
        Assert.That(Kind(WireMapping.ToDomain(new AbortReply()) is AbortOutcome.Refused abort ? abort.Refusal : null), Is.EqualTo(RefusalKind.Wait));
        Assert.That(Kind(WireMapping.ToDomain(new ProveReply(), Asked, Now) is ProveOutcome.Refused prove ? prove.Refusal : null), Is.EqualTo(RefusalKind.Wait));
        Assert.That(Kind(WireMapping.ToDomain(new StartReply(), Now) is StartOutcome.Refused start ? start.Refusal : null), Is.EqualTo(RefusalKind.Wait));
        Assert.That(Kind(WireMapping.ToDomain(new WithdrawReply(), Now) is WithdrawOutcome.Refused withdraw ? withdraw.Refusal : null), Is.EqualTo(RefusalKind.Wait));
        Assert.That(Kind(WireMapping.ToDomain(new ConfirmHandoffReply()) is ConfirmOutcome.Refused confirm ? confirm.Refusal : null), Is.EqualTo(RefusalKind.Wait));
        Assert.That(WireMapping.ToDomain(new WatchUpdate(), Now), Is.TypeOf<DestinationUpdate.Beat>());
        Assert.That(WireMapping.ToDomain(new WatchUpdate { Notice = new Notice { Kind = (NoticeKind)9 } }, Now), Is.TypeOf<DestinationUpdate.Beat>());

        static RefusalKind? Kind(Refusal? refusal) => refusal?.Reason.GetKind();
    }

    [TestCase(9, 1)]
    [TestCase(9, 3)]
    [TestCase(0, 1)]
    [TestCase(8, 2)]
    public void Bitmap_OfAnotherLength_IsMalformed(int bits, int bytes) =>
        Assert.That(() => WireMapping.ToBitmap(WireMapping.ToWire(new byte[bytes]), (uint)bits), Throws.TypeOf<PeerException>());

    [Test]
    public void Bitmap_SpareBitSetOrCountAbsurd_IsMalformed()
    {
        Assert.That(() => WireMapping.ToBitmap(WireMapping.ToWire(new byte[] { 0x01 }), 7), Throws.TypeOf<PeerException>());
        Assert.That(() => WireMapping.ToBitmap(WireMapping.ToWire(new byte[4]), uint.MaxValue), Throws.TypeOf<PeerException>());
    }

    [TestCase(0)]
    [TestCase(19)]
    [TestCase(21)]
    [TestCase(33)]
    public void Id_OfAnotherLength_IsMalformed(int length) =>
        Assert.That(() => WireMapping.ToId(WireMapping.ToWire(new byte[length])), Throws.TypeOf<PeerException>().With.Property(nameof(PeerException.Fault)).EqualTo(PeerFault.Malformed));

    [Test]
    public void Prove_WithoutNonceOrWithAbsurdTokens_IsMalformed()
    {
        var wire = WireMapping.ToWire(Asked);
        Assert.That(WireMapping.ToDomain(wire).Nonce.ToArray(), Is.EqualTo(Asked.Nonce.ToArray()));
        Assert.That(() => WireMapping.ToDomain(new Transport.Wire.Protocol.ProveRequest(wire) { Nonce = WireMapping.ToWire(Array.Empty<byte>()) }), Throws.TypeOf<PeerException>());
        Assert.That(() => WireMapping.ToDomain(new Transport.Wire.Protocol.ProveRequest(wire) { Nonce = WireMapping.ToWire(new byte[65]) }), Throws.TypeOf<PeerException>());
        Assert.That(() => WireMapping.ToDomain(new Transport.Wire.Protocol.ProveRequest(wire) { Fingerprint = WireMapping.ToWire(new byte[65]) }), Throws.TypeOf<PeerException>());
        var confirm = new Transport.Wire.Protocol.ConfirmHandoffRequest { Id = wire.Id, Tag = new string('t', 513) };
        Assert.That(() => WireMapping.ToDomain(confirm), Throws.TypeOf<PeerException>());
    }

    [Test]
    public void Proof_OfAnotherQuestionOrLackingParts_IsMalformed()
    {
        var good = WireMapping.ToWire(new ProveOutcome.Proven(NewProof()), Now).Proof;
        Assert.That(WireMapping.ToDomain(new ProveReply { Proof = good }, Asked, Now), Is.TypeOf<ProveOutcome.Proven>());
        foreach (var spoil in new Action<Transport.Wire.Protocol.Proof>[]
        {
            static proof => proof.Nonce = WireMapping.ToWire(new byte[] { 9 }),
            static proof => proof.Id = WireMapping.ToWire(new byte[20]),
            static proof => proof.ManifestSha256 = WireMapping.ToWire(new byte[31]),
            static proof => proof.ProofId = WireMapping.ToWire(Array.Empty<byte>()),
            static proof => proof.Client = null,
        })
        {
            var bad = good.Clone();
            spoil(bad);
            Assert.That(() => WireMapping.ToDomain(new ProveReply { Proof = bad }, Asked, Now), Throws.TypeOf<PeerException>());
        }
    }

    [Test]
    public void ClientView_AnnounceAndItsText_Cross()
    {
        var view = new ClientView(ClientTorrentState.StalledUp, 1, 0, Now, AnnounceState.Rejected, "unregistered torrent");
        Assert.That(WireMapping.ToDomain(WireMapping.ToWire(view, Now), Now), Is.EqualTo(view));
        var odd = WireMapping.ToWire(view, Now);
        (odd.Announce, odd.AnnounceText) = ((Transport.Wire.Protocol.AnnounceState)17, new string('x', 600));
        var read = WireMapping.ToDomain(odd, Now)!;
        Assert.That((read.Announce, read.AnnounceText.Length), Is.EqualTo((AnnounceState.None, 512)));
    }

    [Test]
    public void ClientView_CrossesAsAge_WhateverTheClocksSay()
    {
        var view = new ClientView(ClientTorrentState.StoppedUp, 0.5, 77, Now - TimeSpan.FromSeconds(4));
        var seen = WireMapping.ToDomain(WireMapping.ToWire(view, Now), Now + TimeSpan.FromHours(2));
        Assert.That(seen, Is.EqualTo(view with { SeenAt = Now + TimeSpan.FromHours(2) - TimeSpan.FromSeconds(4) }));
    }

    [Test]
    public void FileTable_InParts_KeepsPlacesAndGaps()
    {
        List<SourceFile> files = [];
        for (var i = 0; i < 30_000; i++)
        {
            if (i is not (7 or 20_000))
            {
                files.Add(new SourceFile(i, i % 5 == 0 ? null : new FileIdentity(1, (ulong)i, i, -i), i % 3 == 0 ? ["folder", $"renamed to something that takes room {i}"] : []));
            }
        }

        List<SourceFile> read = [];
        var parts = 0;
        for (var next = 0; next < files.Count; parts++)
        {
            var part = WireMapping.ToWire(files, ref next);
            Assert.That(part.CalculateSize(), Is.LessThanOrEqualTo(SyncLimits.UploadPart));
            WireMapping.ToDomain(part, read);
        }

        Assert.That(parts, Is.GreaterThanOrEqualTo(3));
        Assert.That(read.Select(Flat), Is.EqualTo(files.Select(Flat)));

        static (int, FileIdentity?, string) Flat(SourceFile file) => (file.FileIndex, file.Identity, string.Join('/', file.Name));
    }

    [Test]
    public void Status_WithAndWithoutBitmaps_Crosses()
    {
        var have = new PieceBitmap(11);
        have.Set(10);
        var status = new DestinationTorrentStatus
        {
            Id = TestSource.Torrent,
            State = DestinationTorrentState.Receiving,
            Epoch = 3,
            Losses = 1,
            HeldPieces = 1,
            NeededPieces = 11,
            Have = have,
            Progress = new OperationProgress(FinalizeStage.Opening, 1, 2, RefusalReason.NoSpace),
        };
        var read = WireMapping.ToDomain(WireMapping.ToWire(status, Now), Now);
        Assert.That(read.Have!.ContentEquals(have));
        Assert.That(read.Deferred!.Count, Is.Zero);
        Assert.That(read.Progress, Is.EqualTo(status.Progress));
        Assert.That(WireMapping.ToDomain(WireMapping.ToWire(status with { Have = null }, Now), Now).Have, Is.Null);
    }

    private static Ports.ProveRequest Asked { get; } = new(TestSource.Torrent, new byte[] { 1, 2, 3 }, new byte[] { 4 });

    private static Proof NewProof() => new()
    {
        Id = Asked.Id,
        Nonce = Asked.Nonce,
        ManifestDigest = new byte[32],
        ProvenFiles = new byte[] { 0x80 },
        SelectedBytes = 10,
        BytesReadBack = 11,
        From = Now - TimeSpan.FromSeconds(2),
        To = Now,
        Client = new ClientView(ClientTorrentState.StalledUp, 1, 0, Now),
        ProofId = new byte[32],
    };

    private static void AssertSameNumbers<TDomain, TWire>()
        where TDomain : struct, Enum
        where TWire : struct, Enum =>
        Assert.That(
            Enum.GetValues<TWire>().Select(value => (value.ToString(), Convert.ToInt32(value))),
            Is.EquivalentTo(Enum.GetValues<TDomain>().Select(value => (value.ToString(), Convert.ToInt32(value)))));
}
