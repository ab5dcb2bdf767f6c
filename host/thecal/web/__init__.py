"""`thecal serve`: the web page of the pumps of this computer, and the interface below it. A browser that dies changes no dose."""
