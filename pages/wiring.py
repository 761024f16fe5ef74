from explorer import frame, question_page

frame.begin("wiring")

question_page.introduction("wiring")
rows = question_page.published_numbers("wiring")
question_page.planned("wiring")
question_page.known_and_open("wiring")
question_page.foot("wiring", rows)
