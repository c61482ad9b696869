"""Files of lessons: kept outside the web root, and given to those who may open the lesson."""
