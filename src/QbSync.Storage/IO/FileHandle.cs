using Microsoft.Win32.SafeHandles;

namespace QbSync.Storage.IO;

/// <summary>An open file or folder of an <see cref="IFileSystem"/>. Calls in flight keep it open, so it may be disposed at any time.</summary>
internal abstract class FileHandle() : SafeHandleMinusOneIsInvalid(ownsHandle: true);
