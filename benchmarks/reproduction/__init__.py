"""The experiments of the published documents, trained again: what they report beside what sweep finds.

`make reference` trains all of them and writes a folder for each page to `results/reference/`. What is stated there is
computed from the exported trials and epochs that lie beside it, and each figure of a page is checked to come from them.

* `trainings.py`: trains the sweeps of a page, or goes on with them
* `exports.py`: what is kept of a sweep in the page's folder, and how it differs from what was kept before
* `figures.py`: how figures are written, and the check that none is typed by hand
* `statistics.py`: intervals, and whether a published figure is alike
* `documents/`: what the documents report
* `pages/`, `templates/`: one module and one template a page
"""
