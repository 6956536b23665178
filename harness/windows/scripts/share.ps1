# Makes the lab's account, folder and share, and lets SMB through the firewall. Again: the same result.
param([string] $User, [string] $Password, [string] $Share, [string] $Path)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2

function Invoke-Program([string] $Program, [string[]] $Words) {
    $said = & $Program @Words
    if ($LASTEXITCODE -ne 0) { throw ('{0} {1}: {2}' -f $Program, ($Words -join ' '), ($said -join ' ')) }
}

$known = @(Get-CimInstance -ClassName Win32_UserAccount -Filter 'LocalAccount=True' |
        Where-Object { $_.Name -eq $User })
if ($known.Count -eq 0) {
    $account = ([ADSI] 'WinNT://.,computer').Create('user', $User)
} else {
    $account = [ADSI] ('WinNT://./{0},user' -f $User)
}
$account.SetPassword($Password)
$account.SetInfo()
# ADS_UF_DONT_EXPIRE_PASSWD
$account.Put('UserFlags', ([int] $account.UserFlags.Value -bor 0x10000))
$account.SetInfo()

if (-not (Test-Path -LiteralPath $Path)) { New-Item -ItemType Directory -Path $Path | Out-Null }
[IO.File]::WriteAllText((Join-Path $Path 'welcome.txt'), 'Welcome to the rehearsal.')
Invoke-Program 'icacls.exe' @($Path, '/grant', ($User + ':(OI)(CI)M'), '/q')
$shares = @(Get-CimInstance -ClassName Win32_Share | Where-Object { $_.Name -eq $Share })
if ($shares.Count -eq 0) {
    Invoke-Program 'net.exe' @('share', ('{0}={1}' -f $Share, $Path), ('/grant:{0},FULL' -f $User))
}
$rule = 'name=smb-rehearsal'
# There may be none yet.
$null = & netsh.exe advfirewall firewall delete rule $rule
Invoke-Program 'netsh.exe' @(
    'advfirewall', 'firewall', 'add', 'rule', $rule, 'dir=in', 'action=allow', 'protocol=TCP', 'localport=445'
)
$found = Get-CimInstance -ClassName Win32_Share | Where-Object { $_.Name -eq $Share }
ConvertTo-Json -Compress -InputObject @{ share = [string] $found.Name; path = [string] $found.Path }
