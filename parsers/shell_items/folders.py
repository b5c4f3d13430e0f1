"""Names that Explorer shows for folders known by their GUID alone: places, libraries, items of the Control Panel.

Basis: Microsoft's lists of known folders and of Control Panel items, and public lists of class ids. English names.
"""

THIS_PC = "20d04fe0-3aea-1069-a2d8-08002b30309d"

_NAMES = {
    "This PC": (THIS_PC,),
    "Network": ("208d2c60-3aea-1069-a2d7-08002b30309d", "f02c1a0d-be21-4350-88b0-7367fc96ef3c"),
    "Recycle Bin": ("645ff040-5081-101b-9f08-00aa002f954e",),
    "Internet Explorer": ("871c5380-42a0-1069-a2ea-08002b30309d",),
    "User's Files": ("59031a47-3f72-44a7-89c5-5595fe6b30ee",),
    "Public": ("4336a54d-038b-4685-ab02-99bb52d3fb8b",),
    "Searches": ("7d1d3a04-debb-4115-95cf-2f29da2920da",),
    "User Pinned": ("1f3427c8-5c10-4210-aa03-2ee45287d668",),
    "Libraries": ("031e4825-7b94-4dc3-b131-e946b44c8dd5",),
    "Quick access": ("679f85cb-0220-4080-b29b-5540cc05aab6",),
    "Home": ("f874310e-b6b7-47dc-bc84-b9e6b38f5903",),
    "Recent Places": ("22877a6d-37a1-461a-91b0-dbda5aaebc99",),
    "OneDrive": ("018d5c66-4533-4307-9b53-224de2ed1fe6", "8e74d236-7f35-4720-b138-1fed0b85ea75"),
    "Homegroup": ("b4fb3f98-c1ea-428d-a78a-d1f5659cba93", "6785bfac-9d2d-4be5-b7e2-59937e8fb80a"),
    "Desktop": ("b4bfcc3a-db2c-424c-b029-7fe99a87c641",),
    "Downloads": ("374de290-123f-4565-9164-39c4925e467b", "088e3905-0323-4b02-9826-5d99428e115f"),
    "Documents": (
        "450d8fba-ad25-11d0-98a8-0800361b1103",
        "a8cdff1c-4878-43be-b5fd-f8091c1c60d0",
        "d3162b92-9365-467a-956b-92703aca08af",
        "fdd39ad0-238f-46af-adb4-6c85480369c7",
        "7b0db17d-9cd2-4a93-9733-46cc89022e7c",
    ),
    "Music": (
        "1cf1260c-4dd0-4ebb-811f-33c572699fde",
        "3dfdf296-dbec-4fb4-81d1-6a3438bcf4de",
        "4bd8d571-6d19-48d3-be97-422220080e43",
        "2112ab0a-c86a-4ffe-a368-0de96e47012e",
    ),
    "Pictures": (
        "3add1653-eb32-4cb0-bbd7-dfa0abb5acca",
        "24ad3ad4-a569-4530-98e1-ab02f9417aa8",
        "33e28130-4e1e-4676-835a-98395c3bc3bb",
        "a990ae9f-a03b-4e80-94bc-9912d7504104",
    ),
    "Videos": (
        "a0953c92-50dc-43bf-be83-3742fed03c9c",
        "f86fa3ab-70d2-4fc7-9c99-fcbf05467f3a",
        "18989b1d-99b5-455b-841c-ab7c74e4ddfc",
        "491e922f-5643-4af4-a7eb-4e7a138d8174",
    ),
    "3D Objects": ("0db7e03f-fc29-4dc6-9020-ff41b59e513a",),
    "Portable Devices": ("35786d3c-b075-49b9-88dd-029876e11c01",),
    "Search": ("9343812e-1c37-4a49-a12e-4b2d810d956b",),
    "Search Folder": ("04731b67-d933-450a-90e6-4acd2e9408fe",),
    "Applications": ("4234d49b-0245-4df3-b780-3893943456e1",),
    "Games": ("ed228fdf-9ea8-4870-83b1-96b02cfe0d52",),
    "Compressed Folder": ("e88dcce0-b7b3-11d1-a9f0-00aa0060fa31",),
    "Briefcase": ("85bbd920-42a0-1069-a2e4-08002b30309d",),
    "Control Panel": (
        "21ec2020-3aea-1069-a2dd-08002b30309d",
        "26ee0668-a00a-44d7-9371-beb064c98683",
        "5399e694-6ce5-4d6c-8fce-1d8870fdcba0",
    ),
    "All Tasks": ("ed7ba470-8e54-465e-825c-99712043e01c",),
    "Printers": ("2227a280-3aea-1069-a2de-08002b30309d",),
    "Network Connections": (
        "7007acc7-3202-11d1-aad2-00805fc1270e",
        "992cffa0-f557-101a-88ec-00dd010ccc48",
    ),
    "Network and Sharing Center": ("8e908fc9-becc-40f6-915b-f4ca0e70d03d",),
    "Administrative Tools": ("d20ea4e1-3957-11d2-a40b-0c5020524153",),
    "Fonts": ("d20ea4e1-3957-11d2-a40b-0c5020524152",),
    "Security and Maintenance": ("bb64f8a7-bee7-4e1a-ab8d-7d8273f7fdb6",),
    "System": ("bb06c0e4-d293-4f75-8a90-cb05b6477eee",),
    "Programs and Features": ("7b81be6a-ce2b-4676-a29e-eb907a5126c5",),
    "User Accounts": ("60632754-c523-4b62-b45c-4172da012619",),
    "Display": ("c555438b-3c23-4769-a71f-b6d3d9b6053a",),
    "Windows Firewall": ("4026492f-2f69-46b8-b9bf-5654fc07e423",),
    "Devices and Printers": ("a8a91a66-3a7d-4424-8d24-04e180695c7a",),
    "Power Options": ("025a5937-a6be-4686-a844-36fe4bec8b6d",),
    "Windows Update": ("36eef7db-88ad-4e81-ad49-0e313f0c35f8",),
    "AutoPlay": ("9c60de1e-e5fc-40f4-a487-460851a8d915",),
    "BitLocker Drive Encryption": ("d9ef8727-cac2-4e60-809e-86f80a666c91",),
    "Credential Manager": ("1206f5f1-0569-412c-8fec-3204630dfb70",),
    "Folder Options": ("6dfd7c5c-2451-11d3-a299-00c04f8ef6af",),
}
_BY_GUID = {guid: name for name, guids in _NAMES.items() for guid in guids}

CATEGORIES = (
    "All Control Panel Items",
    "Appearance and Personalization",
    "Hardware and Sound",
    "Network and Internet",
    "Sounds, Speech, and Audio Devices",
    "System and Security",
    "Clock, Language, and Region",
    "Ease of Access",
    "Programs",
    "User Accounts",
    "Security Center",
    "Mobile PC",
)
"""Categories of the Control Panel by their number in the item."""


def folder_name(guid: str) -> str:
    """The name shown, or `::{guid}`, as Explorer spells a folder without one; `guid` in lower case."""
    return _BY_GUID.get(guid, f"::{{{guid}}}")
