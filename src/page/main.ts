import uPlot from "uplot";

document.title = uPlot.name;
