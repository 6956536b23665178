# One check by the SMB client of this very Windows: each operation with the Win32 error code that it ended with.
param([string] $Check, [string] $Address, [string] $Share, [string] $User, [string] $Password, [string] $File, [int] $Seconds, [string] $Folder)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2

Add-Type -TypeDefinition @'
using System;
using System.Runtime.InteropServices;
public static class Wire {
    [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
    public struct Resource {
        public int Scope; public int Kind; public int Display; public int Usage;
        public string Local; public string Remote; public string Comment; public string Provider;
    }
    [DllImport("mpr.dll", CharSet = CharSet.Unicode)]
    static extern int WNetAddConnection2W(ref Resource resource, string password, string user, int flags);
    [DllImport("mpr.dll", CharSet = CharSet.Unicode)]
    static extern int WNetCancelConnection2W(string name, int flags, bool force);
    [DllImport("netapi32.dll", CharSet = CharSet.Unicode)]
    static extern int NetShareEnum(string server, int level, out IntPtr buffer, int most, out int read, out int total, IntPtr resume);
    [DllImport("netapi32.dll")]
    static extern int NetApiBufferFree(IntPtr buffer);
    public static int Shares;
    public static int Connect(string name, string user, string password) {
        Resource wanted = new Resource();
        wanted.Remote = name;
        return WNetAddConnection2W(ref wanted, password, user, 4);
    }
    public static int Disconnect(string name) { return WNetCancelConnection2W(name, 0, true); }
    public static int List(string server) {
        IntPtr buffer; int read; int total;
        int code = NetShareEnum(server, 1, out buffer, -1, out read, out total, IntPtr.Zero);
        if (buffer != IntPtr.Zero) NetApiBufferFree(buffer);
        Shares = read;
        return code;
    }
}
'@

$operations = New-Object System.Collections.ArrayList
function Invoke-Operation([string] $Name, [scriptblock] $Operation) {
    $clock = [Diagnostics.Stopwatch]::StartNew()
    try {
        $code = [long] (& $Operation)
    } catch {
        $error_ = $_.Exception
        while ($null -ne $error_.InnerException) { $error_ = $error_.InnerException }
        if ($error_ -is [Net.Sockets.SocketException]) {
            $code = [long] $error_.ErrorCode
        } else {
            # An HRESULT of FACILITY_WIN32 (0x8007....) holds the code in its lower half.
            $code = [long] [Runtime.InteropServices.Marshal]::GetHRForException($error_)
            if (($code -band 4294901760) -eq 2147942400) { $code = $code -band 65535 }
        }
    }
    $code = $code -band 4294967295
    [void] $operations.Add(@{ name = $Name; code = $code; ms = $clock.Elapsed.TotalMilliseconds })
    if ($code -ne 0) { throw 'an operation failed' }
}

$began = Get-Date
$server = '\\' + $Address
$tree = $server + '\' + $(if ($Check -eq 'browse') { 'IPC$' } else { $Share })
$path = $tree + '\' + $File
$content = 'rehearsal ' + $File
$connection = $null
try {
    Invoke-Operation 'tcp' {
        $socket = New-Object Net.Sockets.TcpClient
        try {
            $pending = $socket.BeginConnect($Address, 445, $null, $null)
            # WSAETIMEDOUT
            if (-not $pending.AsyncWaitHandle.WaitOne($Seconds * 1000)) { return 10060 }
            $socket.EndConnect($pending)
        } finally { $socket.Close() }
        0
    }
    Invoke-Operation 'connect' { [Wire]::Connect($tree, $User, $Password) }
    if ($null -ne (Get-Command -Name Get-SmbConnection -ErrorAction SilentlyContinue)) {
        $connection = Get-SmbConnection -ServerName $Address -ErrorAction SilentlyContinue | Select-Object -First 1
    }
    if ($Check -eq 'browse') {
        Invoke-Operation 'enumerate' { [Wire]::List($server) }
    } else {
        Invoke-Operation 'list' { [void] [IO.Directory]::GetFileSystemEntries($tree); 0 }
    }
    if ($Check -eq 'write') {
        Invoke-Operation 'create' { [IO.File]::Create($path).Close(); 0 }
        Invoke-Operation 'write' { [IO.File]::WriteAllText($path, $content); 0 }
        Invoke-Operation 'read' {
            # ERROR_CRC: what came back is not what was written.
            if ([IO.File]::ReadAllText($path) -eq $content) { 0 } else { 23 }
        }
        Invoke-Operation 'delete' { [IO.File]::Delete($path); 0 }
    }
} catch {
    if ($_.Exception.Message -ne 'an operation failed') { throw }
} finally {
    [void] [Wire]::Disconnect($tree)
}

$events = @()
foreach ($log in 'Microsoft-Windows-SmbClient/Connectivity', 'Microsoft-Windows-SmbClient/Security') {
    try {
        $events += @(Get-WinEvent -FilterHashtable @{ LogName = $log; StartTime = $began } -MaxEvents 20 -ErrorAction Stop |
                ForEach-Object { @{ log = $log; id = [int] $_.Id; message = [string] $_.Message } })
    } catch {
        # No such log on Windows 7, and no such event where all went well: both are thrown.
        $null = $_
    }
}
$seen = $null
if ($null -ne $connection) { $seen = $connection | Format-List -Property * | Out-String -Width 4096 }
$records = @()
if (Test-Path -LiteralPath $Folder) {
    $records = @(Get-ChildItem -LiteralPath $Folder -Filter '*.json' |
            Sort-Object -Property CreationTimeUtc | ForEach-Object { $_.BaseName })
}
$answer = @{
    operations      = @($operations)
    shares     = [int] [Wire]::Shares
    connection = $seen
    events     = @($events)
    records    = $records
}
ConvertTo-Json -Compress -Depth 6 -InputObject $answer
