// The paper asks to be printed when it was opened to be printed.
if (location.hash === "#print") window.addEventListener("load", () => window.print());
