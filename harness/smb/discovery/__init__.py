"""How servers are found in a network: NetBIOS names and WS-Discovery, as clients ask and servers answer."""
