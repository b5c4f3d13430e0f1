"""Builds scheduled tasks as Windows writes them: UTF-16 with its mark and declaration."""

EXEC = (
    "<Exec><Command>E:\\setup.exe</Command><Arguments>/s &amp; go</Arguments>"
    "<WorkingDirectory>E:\\</WorkingDirectory></Exec>"
)
HANDLER = "<ComHandler><ClassId>{A6BA00FE-40E8-477C-B713-C64A14F18ADB}</ClassId></ComHandler>"


def task(
    actions: str = EXEC, date: str = "2024-03-05T12:30:00.1234567+01:00", before: str = ""
) -> bytes:
    """Bytes of a task file."""
    body = f"""<?xml version="1.0" encoding="UTF-16"?>{before}
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Date>{date}</Date>
    <Author>WS-01\\änn</Author>
    <URI>\\Updater</URI>
  </RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger><TimeTrigger/></Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId>
    <RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings><Hidden>true</Hidden></Settings>
  <Actions Context="Author">
    {actions}
  </Actions>
</Task>"""
    return body.replace("\n", "\r\n").encode("utf-16")
