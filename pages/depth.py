from explorer import frame, question_page

frame.begin("depth")

question_page.introduction("depth")
rows = question_page.published_numbers("depth")
question_page.planned("depth")
question_page.known_and_open("depth")
question_page.foot("depth", rows)
